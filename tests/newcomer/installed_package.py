"""Leakdrill as a user installs it: built from this checkout, in an environment that does not see the checkout."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_COMMAND: Final = re.compile(r"^(?:    |\$ )((?:leakdrill|pytest) .*?)(?:\s{2,}#.*)?$", re.MULTILINE)


def built_wheel(source: Path, folder: Path) -> Path:
    """Returns the wheel of the checkout or the sdist `source`, built into `folder` without the network."""
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(source))
    (built,) = folder.glob("*.whl")
    return built


def built_sdist(folder: Path) -> Path:
    """Returns the sdist of this checkout, built into `folder`."""
    _checked([sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(folder)], cwd=ROOT)
    (built,) = folder.glob("*.tar.gz")
    return built


def installed(wheel: Path, venv: Path) -> Path:
    """Returns the `bin` of a new virtual environment with `wheel`; what it depends on comes from this one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    pip("--python", str(venv / "bin" / "python"), "install", "--no-deps", "--no-index", str(wheel))
    (packages,) = venv.glob("lib/python*/site-packages")
    shared = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "dependencies.pth").write_text("\n".join(shared))
    return venv / "bin"


def pip(*arguments: str) -> None:
    """Runs pip, quietly unless it fails."""
    _checked([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments])


def environment(bin_folder: Path) -> dict[str, str]:
    """Returns the environment in which a user of the package types commands."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST", "LEAKDRILL"))}
    return kept | {"PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}


def run(folder: Path, *command: str | Path, bin_folder: Path, code: int = 0) -> str:
    """Returns what `command` prints in `folder`; it must exit with `code`."""
    ran = subprocess.run(
        command, cwd=folder, env=environment(bin_folder), capture_output=True, text=True, check=False, timeout=170
    )
    assert ran.returncode == code, f"{command} exited {ran.returncode}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def commands_of(page: Path) -> list[list[str]]:
    """Returns every command line of `page` that begins with `leakdrill` or `pytest`, in order, as words."""
    return [shlex.split(line) for line in _COMMAND.findall(page.read_text(encoding="utf-8"))]


def _checked(command: list[str], cwd: Path | None = None) -> None:
    ran = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
