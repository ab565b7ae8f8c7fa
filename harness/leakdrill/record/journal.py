"""The journal: everything that must be undone, on disk before it is done.

The first line is the header (`journal_header.py`). Then one JSON line per fact: `{"id": 3, "state": "planned", "kind":
"cgroup", "data": {...}}`, later `{"id": 3, "state": "done", "data": {...}}` with what only became known by doing it (a
pid), later `{"id": 3, "state": "undone"}`. After a SIGKILL the file alone says what is left; whoever plans a kind of
entry brings the function that undoes it from its data (`undo.py`). As long as the file is open here it is locked, so
that nobody cleans up under a living drill, on this machine or on another that shares the folder.
"""

from __future__ import annotations

import errno
import itertools
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

import orjson

from leakdrill.record.journal_header import JOURNAL_FILE, Header
from leakdrill.record.journal_lock import say_alive

if TYPE_CHECKING:
    import io
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One change that must be undone: its number, its kind, and the data that undoing needs."""

    id: int
    kind: str
    data: dict[str, Any]


class Journal:
    """Begins the journal `path`, which is its owner's alone; each line is synced to disk before the call returns.

    Raises:
        OSError: when it cannot be written, or is there already.

    Attributes:
        header: its first line.
    """

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        self._take(os.fdopen(descriptor, "r+b", buffering=0), ())
        say_alive(descriptor)
        self.header = Header.of_this_process(path.parent, inode=os.fstat(descriptor).st_ino)
        self._write(self.header.as_line())

    @classmethod
    def reopened(cls, file: io.FileIO, header: Header, entries: Iterable[Entry]) -> Self:
        """The journal of an earlier run, open for appending, with what is pending in it."""
        journal = cls.__new__(cls)
        journal.header = header
        journal._take(file, entries)  # noqa: SLF001 - of the class itself
        return journal

    @property
    def mark(self) -> str:
        """What everything that the run makes carries."""
        return self.header.mark

    def plan(self, kind: str, **data: Any) -> Entry:
        """Announce a change before it is made."""
        entry = Entry(next(self._ids), kind, data)
        self._open[entry.id] = entry  # first: an interruption between the two must not leave it on disk alone
        try:
            self._write({"id": entry.id, "state": "planned", "kind": kind, "data": data})
        except OSError:
            del self._open[entry.id]
            raise
        return entry

    def done(self, entry: Entry, **data: Any) -> Entry:
        """Add facts that are known only after doing it, such as a pid."""
        known = Entry(entry.id, entry.kind, {**entry.data, **data})
        self._open[entry.id] = known
        self._write({"id": entry.id, "state": "done", "data": data})
        return known

    def undone(self, entry: Entry) -> None:
        """The change is gone."""
        try:
            self._write({"id": entry.id, "state": "undone"})
        except OSError:
            self._open.pop(entry.id, None)
            raise
        self._open.pop(entry.id, None)  # last: an interruption between the two must not leave it pending on disk alone

    def pending(self) -> list[Entry]:
        """The entries that are still to be undone, newest first."""
        return sorted(self._open.values(), key=lambda e: e.id, reverse=True)

    def close(self) -> None:
        """Close the file; pending entries stay on disk for `leakdrill clean`."""
        self._file.close()

    def _take(self, file: io.FileIO | io.BufferedRandom, entries: Iterable[Entry]) -> None:
        self._file = cast("io.FileIO", file)
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._open = {entry.id: entry for entry in entries}

    def _write(self, fact: dict[str, Any]) -> None:
        """Write one whole line; a part of one, as a full disk leaves it, is taken away again.

        Raises:
            OSError: when the disk is full, or the system refuses.
        """
        line = orjson.dumps(fact, option=orjson.OPT_APPEND_NEWLINE)
        with self._lock:
            before = os.fstat(self._file.fileno()).st_size
            if self._file.write(line) != len(line):
                os.ftruncate(self._file.fileno(), before)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), JOURNAL_FILE)
            os.fsync(self._file.fileno())
