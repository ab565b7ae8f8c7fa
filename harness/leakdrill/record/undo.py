"""Undoes what a run changed, from its journal alone.

Nothing here knows what a cgroup or a container is: whoever plans entries of a kind brings the function that undoes
them, and the caller hands these functions over as a table. Each may run in a fresh process, long after the drill was
killed, and twice: what is gone already counts as undone. None touches anything but what carries the mark of the run,
in its name, label or environment, or lies in its folder. A journal that is not this user's own, written at its place on
this machine, is data: nothing is undone from it, and a person is told.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.in_words import in_words
from leakdrill.record.journal_header import JOURNAL_FILE, Header
from leakdrill.record.stored_journal import NotOurs, OwnerLives, taken_over

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from leakdrill.record.journal import Entry, Journal

UndoFunction = Callable[[Mapping[str, Any], Header], str | None]
"""Undoes one change from the data of its entry and the header of its journal: None when it is gone, else why not."""

Undone = Callable[[str], object]
"""Is told what was undone, such as `process 4711`."""

UndoTable = Mapping[str, UndoFunction]
"""The function for each kind of entry."""

_TOLD: Final = ("name", "path", "pid", "project")
_LONGEST: Final = 200
_SLOW_S: Final = 3.0
"""What takes longer to go does not hold up the rest."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was not undone.

    Attributes:
        text: what, and why.
        refused: whether the journal itself is the reason: it is not this run's own, or not well formed.
    """

    text: str
    refused: bool = False

    def __str__(self) -> str:
        """The sentence, without what a terminal would obey."""
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in self.text)


def undo(entry: Entry, table: UndoTable, header: Header) -> str | None:
    """Undo one change: None when it is gone, else why it is not."""
    function = table.get(entry.kind)
    if function is None:
        return f"{told(entry)}: this version does not know how to undo it"
    try:
        return function(entry.data, header)
    except KeyError as e:
        return f"{told(entry)}: the journal lacks {e}"
    except OSError as e:
        return f"{entry.kind} {e.filename or told(entry)}: {e.strerror or e}"
    except Exception as e:  # noqa: BLE001 - whatever is wrong with one entry must not keep the others from going
        return f"{told(entry)}: {in_words(e)[:_LONGEST]}"


def told(entry: Entry) -> str:
    """`entry` for a message: its kind, and what names it."""
    named = [entry.data[key] for key in _TOLD if isinstance(entry.data.get(key), str | int)]
    return f"{entry.kind} {str(named[0])[:_LONGEST]}" if named else f"{entry.kind} (entry {entry.id})"


def take_back(journal: Journal, entry: Entry, table: UndoTable) -> str | None:
    """Undo `entry` and note it in the journal: None when it is gone, else why it is not."""
    reason = undo(entry, table, journal.header)
    if reason is None:
        with contextlib.suppress(OSError):  # on a full disk the note is missing, and it is undone once more: no harm
            journal.undone(entry)
    return reason


def undo_all(journal: Journal, table: UndoTable, undone: Undone | None = None) -> list[str]:
    """Undo everything that is pending, newest first; returns why, for each entry that would not go.

    Args:
        journal: of the run.
        table: how each kind is undone.
        undone: is told of each entry that went.
    """
    reasons = []
    for entry in journal.pending():
        reason = take_back(journal, entry, table)
        if reason:
            reasons.append(reason)
        elif undone is not None:
            undone(told(entry))
    return reasons


def clean(journal_path: Path, table: UndoTable, *, at_once: Collection[str] = ()) -> list[Problem]:
    """`undo_all` for a drill that is no longer there; a run whose drill still lives is left alone.

    Only one process undoes a journal at a time; another waits for it.

    Args:
        journal_path: the journal.
        table: how each kind is undone.
        at_once: kinds whose entries are undone all at the same time before the others; what fails is tried again.
    """
    return _clean(journal_path.parent, journal_path.name, table, at_once)


def undo_kinds(journal_path: Path, table: UndoTable) -> None:
    """Undo the entries of the kinds in `table`, all at the same time; what does not go is left for `clean`."""
    name = journal_path.name
    with (
        contextlib.suppress(OwnerLives, NotOurs, EnvironmentProblem, OSError),
        taken_over(journal_path.parent, name) as (journal, _),
    ):
        _take_back_at_once(journal, table, table)


def _take_back_at_once(journal: Journal, kinds: Collection[str], table: UndoTable) -> None:
    """Undo the entries of `kinds` all at the same time, and those known to `table` besides that need not wait for them.

    A namespace may take a minute, and mounts must not stay for so long. What is not gone is tried again, and then told.
    """
    entries = [entry for entry in journal.pending() if entry.kind in kinds]
    with ThreadPoolExecutor(max_workers=max(len(entries), 1)) as pool:
        begun = {pool.submit(take_back, journal, entry, table): entry for entry in entries}
        slow = [begun[future].id for future in wait(begun, timeout=_SLOW_S).not_done]
        for entry in journal.pending():
            if slow and entry.kind in table and entry.id not in slow:
                take_back(journal, entry, table)


def clean_runs(runs: Path, table: UndoTable, undone: Undone | None = None) -> list[Problem]:
    """`clean` for every journal below `runs`, newest run first; `undone` is told of each entry that went."""
    names, problems = _journals(runs)
    for name in sorted(names, reverse=True):
        problems += _clean(runs, name, table, undone=undone)
    return problems


def _clean(
    folder: Path, name: str, table: UndoTable, at_once: Collection[str] = (), undone: Undone | None = None
) -> list[Problem]:
    path = folder / name
    try:
        with taken_over(folder, name) as (journal, misread):
            problems = [Problem(f"{path}:{sentence}", refused=True) for sentence in misread]
            _take_back_at_once(journal, at_once, table)
            return problems + [Problem(f"{path}: {reason}") for reason in undo_all(journal, table, undone)]
    except (OwnerLives, FileNotFoundError):
        return []
    except NotOurs as e:
        return [Problem(f"{path}{e}", refused=True)] if str(e) else []
    except EnvironmentProblem as e:
        return [Problem(e.message)]
    except OSError as e:
        return [Problem(f"{path}: {e.strerror or e}; nothing was undone", refused=True)]


def _journals(runs: Path) -> tuple[list[str], list[Problem]]:
    """The names below `runs` of every journal, and a sentence for what could not be looked into."""
    names: list[str] = []
    problems: list[Problem] = []
    for scenario in _folders(runs, "", problems):
        for start in _folders(runs, scenario, problems):
            names += _journal_in(runs, start)
            for build in _folders(runs, start, problems):  # a gate's second build has a folder in the run's
                names += _journal_in(runs, build)
    return names, problems


def _folders(runs: Path, below: str, problems: list[Problem]) -> Iterator[str]:
    """The folders in the folder `below` of `runs`; what is behind a link is not the run's own, and left alone."""
    try:
        with os.scandir(runs / below) as found:
            inner = [one for one in found if one.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return
    except OSError as e:
        problems.append(Problem(f"{runs / below}: cannot be looked into: {e.strerror}", refused=True))
        return
    for one in inner:
        yield f"{below}/{one.name}" if below else one.name


def _journal_in(runs: Path, folder: str) -> list[str]:
    name = f"{folder}/{JOURNAL_FILE}"
    return [name] if os.path.lexists(runs / name) else []
