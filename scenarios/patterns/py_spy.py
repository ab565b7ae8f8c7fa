"""Runs py-spy: the one beside this Python, else the one on PATH. `python py_spy.py dump --pid 123`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def find() -> str | None:
    """The path of py-spy; None when it is not installed."""
    return shutil.which("py-spy", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")


def main() -> None:
    """Become py-spy, with the same arguments."""
    program = find()
    if program is None:
        sys.exit("py-spy was found neither beside this Python nor on PATH; `pip install py-spy` installs it")
    os.execv(program, [program, *sys.argv[1:]])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
