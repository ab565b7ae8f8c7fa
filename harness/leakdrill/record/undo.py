"""Undoes what a run changed, from its journal alone.

Nothing here knows what a cgroup or a container is: whoever plans entries of a kind brings the function that undoes
them, and the caller hands these functions over as a table. Each may run in a fresh process, long after the drill was
killed, and twice: what is gone already counts as undone. None touches anything but what carries the run's id, in its
name, label or environment, or lies in its folder.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from leakdrill.record.journal import JOURNAL_FILE, Entry, Journal, read_journal
from leakdrill.record.journal_lock import locked
from leakdrill.record.ownership import owner_lives

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

UndoFunction = Callable[[Mapping[str, Any]], str | None]
"""Undoes one change from the data of its journal entry: None when it is gone, else why it is not."""

UndoTable = Mapping[str, UndoFunction]
"""The function for each kind of entry."""


def undo(entry: Entry, table: UndoTable) -> str | None:
    """Undo one change: None when it is gone, else why it is not."""
    function = table.get(entry.kind)
    if function is None:
        return f"{entry.kind} {entry.data}: this version does not know how to undo it"
    try:
        return function(entry.data)
    except KeyError as e:
        return f"{entry.kind} {entry.data}: the journal lacks {e}"
    except OSError as e:
        return f"{entry.kind} {e.filename or entry.data}: {e.strerror or e}"


def take_back(journal: Journal, entry: Entry, table: UndoTable) -> str | None:
    """Undo `entry` and note it in the journal: None when it is gone, else why it is not."""
    reason = undo(entry, table)
    if reason is None:
        journal.undone(entry)
    return reason


def undo_all(journal: Journal, table: UndoTable) -> list[str]:
    """Undo everything that is pending, newest first; returns why, for each entry that would not go."""
    reasons = [take_back(journal, entry, table) for entry in journal.pending()]
    return [reason for reason in reasons if reason]


def clean(journal_path: Path, table: UndoTable, *, at_once: Collection[str] = ()) -> list[str]:
    """`undo_all` for a drill that is no longer there; a run whose drill still lives is left alone.

    Only one process undoes a journal at a time; another waits for it.

    Args:
        journal_path: the journal.
        table: how each kind is undone.
        at_once: kinds whose entries are undone all at the same time before the others; what fails is tried again.
    """
    if owner_lives(journal_path.parent):
        return []
    with locked(journal_path):
        _cut_torn_line(journal_path)
        entries = read_journal(journal_path)
        if not entries:
            return []
        with contextlib.closing(Journal(journal_path)) as journal:
            gone = _taken_back_at_once(journal, [entry for entry in entries if entry.kind in at_once], table)
            reasons = [take_back(journal, entry, table) for entry in entries if entry not in gone]
    return [f"{journal_path}: {reason}" for reason in reasons if reason]


def _taken_back_at_once(journal: Journal, entries: list[Entry], table: UndoTable) -> list[Entry]:
    """The entries that are gone; why others are not is found out when they are tried again."""
    with ThreadPoolExecutor(max_workers=max(len(entries), 1)) as pool:
        reasons = pool.map(lambda entry: take_back(journal, entry, table), entries)
        return [entry for entry, reason in zip(entries, reasons, strict=True) if reason is None]


def clean_runs(runs: Path, table: UndoTable) -> list[str]:
    """`clean` for every journal below `runs`, newest run first."""
    patterns = (f"*/*/{JOURNAL_FILE}", f"*/*/*/{JOURNAL_FILE}")  # a gate's second build has a folder in the run's
    journals = sorted((path for pattern in patterns for path in runs.glob(pattern)), reverse=True)
    return [reason for path in journals if not path.parent.is_symlink() for reason in clean(path, table)]


def _cut_torn_line(path: Path) -> None:
    """A line torn by a crash would run into the next one that is appended."""
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
