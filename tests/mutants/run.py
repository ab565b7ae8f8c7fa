"""Changes the judging code a little, thousands of times, and counts the changes that a unit test notices.

    python tests/mutants/run.py [--jobs N] [--only GLOB] [--report-only]

mutmut makes the mutants and runs, for each, the tests that reach its function. It wants the sources below `src/`, so it
works on a copy of the repository in `.mutants/`, which is kept: the next run tries what changed. The result is written
to docs/background/mutants.md; the exit code is 1 when fewer than 92 % of the mutants are killed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from mutant_page import is_enough, page, summary
from mutant_results import read_modules

ROOT: Final = Path(__file__).parents[2]
COPY: Final = ROOT / ".mutants"
PAGE: Final = ROOT / "docs" / "background" / "mutants.md"
HERE: Final = Path(__file__).parent

_TESTED_BY: Final = ("leakdrill.judging", "leakdrill.record.history", "leakdrill.record.verdict")
_NOT_IN_A_COPY: Final = (
    # It starts pytest in a folder of its own.
    "tests/unit/test_claims.py::test_a_test_that_no_longer_gets_its_outcome_fails",
)
_NOT_TESTS_OF_JUDGING: Final = ("test_layout.py", "test_purity.py", "test_sizes.py", "test_event_contract.py")


def mirror(root: Path, copy: Path) -> None:
    """Make `copy` hold what git tracks in `root`, with the package below `src/`; equal files stay untouched."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root, check=True, capture_output=True,
    ).stdout.decode().split("\0")  # fmt: skip
    wanted = {_place(name): root / name for name in listed if name and (root / name).is_file()}
    for place, source in wanted.items():
        target = copy / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != source.read_bytes():
            shutil.copyfile(source, target)
    for folder in ("src", "tests", "leaky_apps", "scenarios", "docs", "deploy", "benchmarks"):
        for path in (copy / folder).rglob("*"):
            if path.is_file() and str(path.relative_to(copy)) not in wanted and path.suffix != ".pyc":
                path.unlink()


def _place(name: str) -> str:
    return f"src/{name.removeprefix('harness/')}" if name.startswith("harness/leakdrill/") else name


def tests_of_judging(root: Path) -> list[str]:
    """The unit tests that import the code under test, relative to `root`."""
    files = sorted((root / "tests" / "unit").glob("test_*.py")) + sorted(
        (root / "tests" / "sabotage").glob("test_*.py")
    )
    return [
        str(path.relative_to(root))
        for path in files
        if path.name not in _NOT_TESTS_OF_JUDGING and any(name in path.read_text() for name in _TESTED_BY)
    ]


def configure(copy: Path) -> None:
    """Add to the copy's pyproject.toml what mutmut is to do."""
    selection = [*tests_of_judging(copy), *(f"--deselect={name}" for name in _NOT_IN_A_COPY)]
    quoted = ", ".join(f'"{one}"' for one in selection)
    config = (HERE / "mutmut.toml").read_text()
    pyproject = (ROOT / "pyproject.toml").read_text()
    (copy / "pyproject.toml").write_text(f"{pyproject}{config}pytest_add_cli_args_test_selection = [{quoted}]\n")


def run_mutmut(copy: Path, jobs: int, only: list[str]) -> int:
    """Run mutmut in `copy`; returns its exit code."""
    environment = {**os.environ, "PYTHONPATH": str(copy / "tests" / "unit")}
    return subprocess.run(
        [sys.executable, "-m", "mutmut", "run", "--max-children", str(jobs), *only],
        cwd=copy, env=environment, check=False,
    ).returncode  # fmt: skip


def main() -> int:
    """Run mutmut, write the page, and say whether enough were killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", action="append", default=[], metavar="GLOB", help="mutants to try, by name")
    parser.add_argument("--report-only", action="store_true", help="write the page from the last results")
    asked = parser.parse_args()
    if not asked.report_only:
        mirror(ROOT, COPY)
        configure(COPY)
        if code := run_mutmut(COPY, asked.jobs, asked.only):
            return code
    modules = read_modules(COPY / "mutants" / "src")
    if not modules:
        sys.stderr.write("no results in .mutants: run without --report-only first\n")
        return 3
    PAGE.write_text(page(modules, COPY))
    sys.stdout.write(f"{summary(modules)} ({PAGE.relative_to(ROOT)})\n")
    return 0 if is_enough(modules) else 1


if __name__ == "__main__":
    sys.exit(main())
