"""Checks that the gate tells leaking releases of real packages from the releases that fixed them.

`python benchmarks/package_pairs.py [PACKAGE …]` installs each version in a virtual environment of its own (kept in
~/.cache/leakdrill-pairs), runs a small service around it, and lets `leakdrill gate` judge it at default settings. The
leaking one must FAIL, the fixed one PASS, each within 60 seconds; exit 1 when one does not.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path

import yaml

HERE = Path(__file__).parent / "package_pairs"
CACHE = Path.home() / ".cache" / "leakdrill-pairs"
MOST_SECONDS = 60.0
WORDS = {0: "CLEAN", 1: "LEAK", 2: "UNKNOWN"}
PAIRS = {
    "aiohttp": ("3.10.10", "3.10.11"),
    "multidict": ("6.3.0", "6.3.2"),
    "hiredis": ("3.1.0", "3.2.0"),
    "pydantic": ("2.5.2", "2.5.3"),
    "ujson": ("5.11.0", "5.12.0"),
}


def main(packages: list[str]) -> int:
    """Judge every version of `packages`, print each verdict as it comes, and a Markdown table of all at the end."""
    results = [
        judge(package, version, expected)
        for package in packages or PAIRS
        for version, expected in zip(PAIRS[package], (1, 0), strict=True)
    ]
    print(
        f"\n{dt.datetime.now(tz=dt.UTC).date()}\n\n| release | word | seconds | quiescent points | bytes per request |"
    )
    print("\n".join(["| --- | --- | --- | --- | --- |", *(result.row() for result in results)]))
    wrong = sum(not result.right for result in results)
    print(f"\n{wrong} wrong")
    return int(wrong > 0)


@dataclass(frozen=True, slots=True)
class Result:
    """The gate's verdict on one release, and its time; `quiet` is the share of that time that was at rest."""

    release: str
    right: bool
    exit_code: int
    seconds: float
    quiet: float
    numbers: dict[str, float]

    def row(self) -> str:
        """Returns the line of the table."""
        low, high = (self.numbers.get(f"growth_{end}_bytes_per_request", float("nan")) for end in ("low", "high"))
        word = WORDS.get(self.exit_code, f"exit {self.exit_code}")
        return f"| {self.release} | {word} | {self.seconds:.0f} | {self.quiet:.0%} | {low:.1f} to {high:.1f} |"


def judge(package: str, version: str, expected: int) -> Result:
    """Run the gate on one version: right when its exit code is `expected`, in time."""
    python = environment(package, version)
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        command = [sys.executable, "-m", "leakdrill", "gate", str(scenario(package, python, Path(folder))), "--json"]
        done = subprocess.run([*command, "--runs", folder], capture_output=True, text=True, check=False)
        seconds = time.monotonic() - began
        rested_s = sum(rests(Path(folder)))
    verdicts = json.loads(done.stdout)["verdicts"] if done.stdout else [{"message": done.stderr.strip(), "numbers": {}}]
    right = done.returncode == expected and seconds <= MOST_SECONDS
    result = Result(f"{package} {version}", right, done.returncode, seconds, rested_s / seconds, verdicts[0]["numbers"])
    text = f"{result.release}  exit {done.returncode}  {seconds:.0f} s  {verdicts[0]['message']}"
    print(f"{'right' if right else 'WRONG'}  {text}", flush=True)
    return result


def rests(folder: Path) -> list[float]:
    """Returns the seconds of each quiescent point of the run in `folder`."""
    lines = [line for file in folder.rglob("history.jsonl") for line in file.read_text(encoding="utf-8").splitlines()]
    return [event["value"]["rest_s"] for event in map(json.loads, lines) if event["name"] == "slot" and event["value"]]


def environment(package: str, version: str) -> Path:
    """Returns a virtual environment with that version, made on first use."""
    folder = CACHE / f"{package}-{version}"
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, f"{package}=={version}"], check=True)
        (folder / "ready").touch()
    return folder


def scenario(package: str, python: Path, folder: Path) -> Path:
    """Returns the package's scenario with `python` as its interpreter and absolute paths."""
    data = yaml.safe_load((HERE / f"{package}.yaml").read_text(encoding="utf-8"))
    data["target"] |= {"python": str(python), "cwd": str(HERE)}
    data["load"]["locustfile"] = str(HERE / "locustfile.py")
    path = folder / f"{package}.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", choices=[[], *PAIRS], metavar="PACKAGE")
    sys.exit(main(parser.parse_args().packages))
