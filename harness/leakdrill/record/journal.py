"""The journal: everything that must be undone, on disk before it is done.

One JSON line per fact: `{"id": 3, "state": "planned", "kind": "cgroup", "data": {...}}`, later `{"id": 3, "state":
"done", "data": {...}}` with what only became known by doing it (a pid), later `{"id": 3, "state": "undone"}`. After a
SIGKILL the file alone says what is left; whoever plans a kind of entry brings the function that undoes it from
its data (`undo.py`).
"""

from __future__ import annotations

import itertools
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from pathlib import Path

JOURNAL_FILE: Final = "journal.jsonl"
"""Name of the journal in a run folder."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change that must be undone: its number, its kind, and the data that undoing needs."""

    id: int
    kind: str
    data: dict[str, Any]


class Journal:
    """Appends to `path`, each line synced to disk before the call returns."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._open: dict[int, Entry] = {}

    def plan(self, kind: str, **data: Any) -> Entry:
        """Announce a change before it is made."""
        entry = Entry(next(self._ids), kind, data)
        self._write({"id": entry.id, "state": "planned", "kind": kind, "data": data})
        self._open[entry.id] = entry
        return entry

    def done(self, entry: Entry, **data: Any) -> Entry:
        """Add facts that are known only after doing it, such as a pid."""
        known = Entry(entry.id, entry.kind, {**entry.data, **data})
        self._write({"id": entry.id, "state": "done", "data": data})
        self._open[entry.id] = known
        return known

    def undone(self, entry: Entry) -> None:
        """The change is gone."""
        self._write({"id": entry.id, "state": "undone"})
        self._open.pop(entry.id, None)

    def pending(self) -> list[Entry]:
        """The entries that are still to be undone, newest first."""
        return sorted(self._open.values(), key=lambda e: e.id, reverse=True)

    def close(self) -> None:
        """Close the file; pending entries stay on disk for `leakdrill clean`."""
        self._file.close()

    def _write(self, fact: dict[str, Any]) -> None:
        with self._lock:
            self._file.write(orjson.dumps(fact, option=orjson.OPT_APPEND_NEWLINE))
            os.fsync(self._file.fileno())


def read_journal(path: Path) -> list[Entry]:
    """The entries of `path` that are not undone, newest first. A torn last line is left out."""
    left: dict[int, Entry] = {}
    for line in path.read_bytes().split(b"\n")[:-1]:
        fact = orjson.loads(line)
        if fact["state"] == "undone":
            left.pop(fact["id"], None)
        elif fact["state"] == "planned":
            left[fact["id"]] = Entry(fact["id"], fact["kind"], fact["data"])
        elif fact["id"] in left:
            old = left[fact["id"]]
            left[fact["id"]] = Entry(old.id, old.kind, {**old.data, **fact["data"]})
    return sorted(left.values(), key=lambda e: e.id, reverse=True)
