"""Whether the gate tells leaking releases of real packages from the releases that fixed them.

`python benchmarks/package_pairs.py [PACKAGE …]` installs each version in a virtual environment of its own (kept in
~/.cache/leakdrill-pairs), runs a small service around it, and lets `leakdrill gate` judge it at default settings. The
leaking one must FAIL, the fixed one PASS, each within 60 seconds; exit 1 when one does not.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import yaml

HERE = Path(__file__).parent / "package_pairs"
CACHE = Path.home() / ".cache" / "leakdrill-pairs"
MOST_SECONDS = 60.0
PAIRS = {
    "aiohttp": ("3.10.10", "3.10.11"),
    "multidict": ("6.3.0", "6.3.2"),
    "hiredis": ("3.1.0", "3.2.0"),
    "pydantic": ("2.5.2", "2.5.3"),
    "ujson": ("5.11.0", "5.12.0"),
}


def main(packages: list[str]) -> int:
    """Judge every version of `packages`, and say how often the word was right."""
    wrong = 0
    for package in packages or PAIRS:
        for version, expected in zip(PAIRS[package], (1, 0), strict=True):
            wrong += not judge(package, version, expected)
    print(f"{wrong} wrong")
    return int(wrong > 0)


def judge(package: str, version: str, expected: int) -> bool:
    """Run the gate on one version; whether its exit code is `expected`, in time."""
    python = environment(package, version)
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        command = [sys.executable, "-m", "harness", "gate", str(scenario(package, python, Path(folder))), "--json"]
        done = subprocess.run([*command, "--runs", folder], capture_output=True, text=True, check=False)
        seconds = time.monotonic() - began
    right = done.returncode == expected and seconds <= MOST_SECONDS
    verdicts = json.loads(done.stdout)["verdicts"] if done.stdout else []
    said = verdicts[0]["message"] if verdicts else done.stderr.strip()
    print(
        f"{'right' if right else 'WRONG'}  {package} {version}  exit {done.returncode}  {seconds:.0f} s  {said}",
        flush=True,
    )
    return right


def environment(package: str, version: str) -> Path:
    """A virtual environment with that version, made on first use."""
    folder = CACHE / f"{package}-{version}"
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, f"{package}=={version}"], check=True)
        (folder / "ready").touch()
    return folder


def scenario(package: str, python: Path, folder: Path) -> Path:
    """The package's scenario with `python` as its interpreter and absolute paths."""
    data = yaml.safe_load((HERE / f"{package}.yaml").read_text(encoding="utf-8"))
    data["target"] |= {"python": str(python), "cwd": str(HERE)}
    data["load"]["locustfile"] = str(HERE / "locustfile.py")
    path = folder / f"{package}.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
