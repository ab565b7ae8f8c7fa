"""What became of each mutant, kept from one run to the next."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from mutated_copy import Mutant


@dataclass(frozen=True, slots=True)
class Result:
    """How the tests ended with one mutant switched on.

    Attributes:
        key: the mutant's.
        source: a hash of its function.
        outcome: `killed` when a test failed, `endless` when the tests did not end, `survived`, or `no tests` when none
            calls the function.
        by: the test that failed; empty without one.
        tests: a hash of the file of that test, and of all tests where none failed.
    """

    key: str
    source: str
    outcome: str
    by: str
    tests: str

    @property
    def is_killed(self) -> bool:
        """Whether a test noticed the mutant."""
        return self.outcome in {"killed", "endless"}


class Results:
    """The results in a file, one a line; the last one of a mutant counts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self._known = {one.key: one for one in (Result(**json.loads(line)) for line in lines)}

    def add(self, result: Result) -> None:
        """Keep one more result."""
        self._known[result.key] = result
        with self._path.open("a") as file:
            file.write(f"{json.dumps(asdict(result))}\n")

    def last(self, mutant: Mutant) -> Result | None:
        """What became of `mutant`, whatever its tests were then; None when its function has changed since."""
        result = self._known.get(mutant.key)
        return result if result is not None and result.source == mutant.source else None

    def valid(self, mutant: Mutant, hashes: dict[str, str]) -> Result | None:
        """The result that need not be got again: the test that failed, or all tests, are as they were."""
        result = self.last(mutant)
        if result is None:
            return None
        tests = hashes.get(result.by.partition("::")[0], "")
        return result if result.tests == tests else None

    def said(self, mutant: Mutant, test: str) -> bool:
        """Whether it was `test` that killed `mutant`."""
        result = self._known.get(mutant.key)
        return result is not None and result.by == test
