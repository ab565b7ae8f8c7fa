"""Undoes what any run changed: the table of all that a run may make, for the functions of `record/undo.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.machine import undo as machine
from leakdrill.record import undo as generic
from leakdrill.targets.kinds import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.record.journal import Journal
    from leakdrill.record.undo import Problem, UndoTable

UNDO: Final[UndoTable] = {**machine.UNDO, **{kind: undo for row in KINDS for kind, undo in row.undo.items()}}


def undo_all(journal: Journal) -> list[str]:
    """Undo everything that is pending, newest first; returns why, for each entry that would not go."""
    return generic.undo_all(journal, UNDO)


def clean(journal_path: Path) -> list[Problem]:
    """`undo_all` for a drill that is no longer there; a run whose drill still lives is left alone."""
    return generic.clean(journal_path, UNDO)


def clean_runs(runs: Path, undone: generic.Undone | None = None) -> list[Problem]:
    """`clean` for every journal below `runs`, newest run first; `undone` is told of each entry that went."""
    return generic.clean_runs(runs, UNDO, undone)
