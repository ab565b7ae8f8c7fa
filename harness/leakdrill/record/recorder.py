"""Writes the history while the drill runs: one clock, one phase, one file, one chain, any thread.

Nothing is kept in memory: a run may last for days. Who waits for an event subscribes; who needs all that was recorded
so far has it read from the file again.

A disk that is full or gone loses the record, and the run has to end; its undo must not. So `record` goes on without the
file, while an act is refused whose begin cannot be written, until the teardown: what was started is ended all the same.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from leakdrill.in_words import in_words
from leakdrill.masking import kept
from leakdrill.record.chain import CHAIN_START, chained
from leakdrill.record.event import LONGEST_S, Event, fields_line
from leakdrill.record.events import RecordEnd, RunPhase
from leakdrill.record.history import History, read_history
from leakdrill.record.writing import unwritable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from leakdrill.errors import EnvironmentProblem
    from leakdrill.record.event import Kind, Value
    from leakdrill.record.event_class import ActEvent, EventClass, Reading

TEARDOWN: Final = "teardown"
"""The phase in which everything is undone, whether that can be recorded or not."""


@dataclass(slots=True)
class ActNote:
    """Notes about an act, written with its last line. Set `unknown` when nobody can say how it ended."""

    value: Value = None
    labels: dict[str, str] = field(default_factory=dict)
    unknown: bool = False


class Recorder:
    """Appends events to `path`. `begin` lines are on disk (fsync) before the act they announce is begun.

    Attributes:
        started_at: the start of the run, in Unix time.
        phase: the phase of the run.
        head: the chain of the last line.
        lost: why nothing is written any more; None while the file can be written.
    """

    def __init__(self, path: Path) -> None:
        self.started_at = time.time()
        self.phase = "setup"
        self.head = CHAIN_START
        self.lost: EnvironmentProblem | None = None
        self._started_mono = time.monotonic()
        self._path = path
        self._file = path.open("ab", buffering=0)
        self._lock = threading.Lock()
        self._lines = 0
        self._acts = itertools.count(1)
        self._listeners: list[Callable[[Event], None]] = []

    def now_s(self) -> float:
        """Seconds since the start of the run, by a clock that never steps."""
        return time.monotonic() - self._started_mono

    def at_s(self, epoch_s: float) -> float:
        """An epoch time of another process on this machine, as seconds since the start of the run.

        One that is further away than a record can say, such as the year 1 of a server that has no time yet, is told as
        that far away.
        """
        return min(max(self.now_s() + (epoch_s - time.time()), -LONGEST_S), LONGEST_S)

    def record(self, event: EventClass) -> Event:
        """Record something that was read or noticed."""
        return self._append(
            event.source, "sample", event.line_name(), event.line_value(), event.line_labels(), event.at
        )

    def record_reading(self, event_class: type[Reading], values: Mapping[str, float]) -> None:
        """Record what a meter read: the line that `record(event_class.of(values))` writes."""
        value, labels = event_class.line_value_of(values), event_class.labels_of_none()
        with self._lock:
            fields = self._write(event_class.source, "sample", event_class.event_name, value, labels, None)
        if self._listeners:
            event = Event(**fields)
            for listener in self._listeners:
                listener(event)

    @contextmanager
    def act(self, event: ActEvent) -> Iterator[ActNote]:
        """Record an act: `begin` on disk first, then `ok`; `failed` with the error when the block raises.

        Raises:
            EnvironmentProblem: when `begin` cannot be written; the block is not entered then, but in the teardown.
        """
        source, name = event.source, event.line_name()
        labels = {**event.line_labels(), "act": str(next(self._acts))}
        self._append(source, "begin", name, None, labels, None, sync=True)
        if self.phase != TEARDOWN:
            self.raise_if_lost()
        note = ActNote()
        try:
            yield note
        except BaseException as e:
            self._append(source, "failed", name, note.value, {**note.labels, **labels, "error": in_words(e)}, None)
            raise
        self._append(source, "unknown" if note.unknown else "ok", name, note.value, {**note.labels, **labels}, None)

    @contextmanager
    def in_phase(self, name: str) -> Iterator[None]:
        """Everything recorded inside belongs to phase `name`."""
        self.phase = name
        with self.act(RunPhase(name)):
            yield

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with every event, on the thread that records it. It must be quick and must not record."""
        self._listeners.append(listener)

    def raise_if_lost(self) -> None:
        """Return when all that was recorded was written.

        Raises:
            EnvironmentProblem: when it was not, because the disk is full or gone.
        """
        if self.lost is not None:
            raise self.lost

    def history(self) -> History:
        """Everything recorded so far, read from the file; for what is asked seldom."""
        return read_history(self._path)

    def close(self) -> None:
        """Write the end of the record, flush to disk and close the file; what is recorded later is left out."""
        end = RecordEnd()
        with self._lock:
            if not self._file.closed:
                self._write(end.source, "sample", end.line_name(), None, {}, None, sync=True)
                self._file.close()

    def _append(
        self,
        source: str,
        kind: Kind,
        name: str,
        value: Value,
        labels: dict[str, str],
        at: float | None,
        *,
        sync: bool = False,
    ) -> Event:
        with self._lock:
            event = Event(**self._write(source, kind, name, value, labels, at, sync=sync))
        for listener in self._listeners:
            listener(event)
        return event

    def _write(
        self,
        source: str,
        kind: Kind,
        name: str,
        value: Value,
        labels: dict[str, str],
        at: float | None,
        *,
        sync: bool = False,
    ) -> dict[str, Any]:
        """Write a line; returns its fields."""
        fields = {
            "index": self._lines, "t": round(self.now_s(), 4), "phase": self.phase, "source": source, "kind": kind,
            "name": name, "value": kept(value) if isinstance(value, str) else value,
            "labels": {key: kept(text) for key, text in labels.items()}, "at": None if at is None else round(at, 4),
        }  # fmt: skip
        if self.lost is None and not self._file.closed:
            line, self.head = chained(fields_line(fields), self.head)
            self._lines += 1
            self._put(line, sync=sync)
        return fields

    def _put(self, line: bytes, *, sync: bool) -> None:
        try:
            while line:
                line = line[self._file.write(line) :]
            if sync:
                os.fsync(self._file.fileno())
        except OSError as e:
            self.lost = unwritable(self._path, e)
