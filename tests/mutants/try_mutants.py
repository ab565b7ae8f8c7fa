"""Runs pytest in a mutated copy of the repository with the plugin that tries mutants; `run.py` starts it."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Final

import pytest
from mutant_results import Results
from mutated_copy import read_mutants
from trials import Trials

RESULTS: Final = "results.jsonl"

_JUDGED: Final = ("leakdrill.judging", "leakdrill.record.history", "leakdrill.record.verdict")
_NOT_TESTS_OF_JUDGING: Final = (
    "test_layout.py",
    "test_mutant_report.py",
    "test_purity.py",
    "test_sizes.py",
    "test_event_contract.py",
    "test_startup.py",
    "test_bad_input.py",  # thousands of random files, for readers
)
_IN_THE_OWN_PROCESS: Final = (
    "-q", "-s", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:rerunfailures", "-p", "no:leakdrill",
    "-o", "timeout=0", "-o", "addopts=", "-o", "tmp_path_retention_policy=none", "-m", "not long",
)  # fmt: skip


_FOLDERS: Final = ("tests/unit", "tests/sabotage")


def tests_of_judging(copy: Path) -> list[str]:
    """The files of tests that import the code under test, relative to `copy`."""
    return [
        str(path.relative_to(copy))
        for folder in _FOLDERS
        for path in sorted((copy / folder).glob("test_*.py"))
        if path.name not in _NOT_TESTS_OF_JUDGING and any(name in path.read_text() for name in _JUDGED)
    ]


def hashes_of(copy: Path, tests: list[str]) -> dict[str, str]:
    """A hash of each file of tests with the verdicts that are kept of it, and of all under the empty name.

    That of a file of tests without those verdicts is called `alone FILE`.
    """
    hashes = {}
    for name in tests:
        kept = (copy / name).parent / "verdict_texts" / f"{Path(name).stem}.txt"
        file = hashlib.sha256((copy / name).read_bytes())
        hashes[f"alone {name}"] = file.hexdigest()[:12]
        file.update(kept.read_bytes() if kept.exists() else b"")
        hashes[name] = file.hexdigest()[:12]
    files = [path for folder in _FOLDERS for path in sorted((copy / folder).rglob("*")) if path.is_file()]
    every = hashlib.sha256(b"".join(path.read_bytes() for path in files if path.suffix != ".pyc"))
    return hashes | {"": every.hexdigest()[:12]}


def main() -> int:
    """Try the mutants that are listed in a file, and keep their results in the copy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keys", type=Path, required=True, help="a JSON list of the keys of mutants")
    asked = parser.parse_args()
    copy = Path.cwd()
    by_key = {mutant.key: mutant for mutant in read_mutants(copy)}
    mutants = [by_key[key] for key in json.loads(asked.keys.read_text())]
    tests = tests_of_judging(copy)
    trials = Trials(mutants, Results(copy / RESULTS), hashes_of(copy, tests), asked.jobs, copy)
    return int(pytest.main([*_IN_THE_OWN_PROCESS, f"--basetemp={copy / 'temporary'}", *tests], plugins=[trials]))


if __name__ == "__main__":
    sys.exit(main())
