"""A journal whose process ends at one line, as if it were killed there: before the line is written, or right after."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from leakdrill.record.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

CRASHED = 9
"""The exit code of a process that ended at its line."""


class CrashingJournal(Journal):
    """A journal that ends its process at the line `number`, counted from 1, `when` is `before` or `after`."""

    def __init__(self, path: Path, *, number: int, when: str) -> None:
        self._left, self._when = number, when
        super().__init__(path)

    def _write(self, fact: dict[str, Any]) -> None:
        self._left -= 1
        if self._left == 0 and self._when == "before":
            os._exit(CRASHED)
        super()._write(fact)
        if self._left == 0:
            os._exit(CRASHED)


def crash_points(lines: int, *, every: int = 1) -> list[tuple[int, str]]:
    """Every point at which a journal of so many lines can end, thinned to each `every`th."""
    return [(number, when) for number in range(1, lines + 1) for when in ("before", "after")][::every]
