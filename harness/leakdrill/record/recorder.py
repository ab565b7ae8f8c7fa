"""Writes the history while the drill runs: one clock, one phase, one file, one chain, any thread."""

from __future__ import annotations

import itertools
import os
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from leakdrill.record.chain import CHAIN_START, chained
from leakdrill.record.event import Event, event_line
from leakdrill.record.events import RecordEnd, RunPhase
from leakdrill.record.history import History

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from leakdrill.record.event import Kind, Value
    from leakdrill.record.event_class import ActEvent, EventClass


@dataclass(slots=True)
class ActNote:
    """Notes about an act, written with its last line. Set `unknown` when nobody can say how it ended."""

    value: Value = None
    labels: dict[str, str] = field(default_factory=dict)
    unknown: bool = False


class Recorder:
    """Appends events to `path`. `begin` lines are on disk (fsync) before the act they announce is begun."""

    def __init__(self, path: Path) -> None:
        self.started_at = time.time()
        self._started_mono = time.monotonic()
        self._file = path.open("ab", buffering=0)
        self._lock = threading.Lock()
        self.head = CHAIN_START
        self._events: list[Event] = []
        self._acts = itertools.count(1)
        self._listeners: list[Callable[[Event], None]] = []
        self.phase = "setup"

    def now_s(self) -> float:
        """Seconds since the start of the run, by a clock that never steps."""
        return time.monotonic() - self._started_mono

    def at_s(self, epoch_s: float) -> float:
        """An epoch time of another process on this machine, as seconds since the start of the run."""
        return self.now_s() + (epoch_s - time.time())

    def record(self, event: EventClass) -> Event:
        """Record something that was read or noticed."""
        return self._append(
            event.source, "sample", event.line_name(), event.line_value(), event.line_labels(), event.at
        )

    @contextmanager
    def act(self, event: ActEvent) -> Iterator[ActNote]:
        """Record an act: `begin` on disk first, then `ok`; `failed` with the error when the block raises."""
        source, name = event.source, event.line_name()
        labels = {**event.line_labels(), "act": str(next(self._acts))}
        self._append(source, "begin", name, None, labels, None, sync=True)
        note = ActNote()
        try:
            yield note
        except BaseException as e:
            self._append(source, "failed", name, note.value, {**note.labels, **labels, "error": _one_line(e)}, None)
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

    def history(self) -> History:
        """Everything recorded so far."""
        with self._lock:
            return History(self._events)

    def close(self) -> None:
        """Write the end of the record, flush to disk and close the file."""
        self.record(RecordEnd(float(len(self._events))))
        with self._lock:
            os.fsync(self._file.fileno())
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
            event = Event(
                index=len(self._events), t=round(self.now_s(), 4), phase=self.phase, source=source, kind=kind,
                name=name, value=value, labels=labels, at=None if at is None else round(at, 4),
            )  # fmt: skip
            self._events.append(event)
            line, self.head = chained(event_line(event), self.head)
            self._file.write(line)
            if sync:
                os.fsync(self._file.fileno())
        for listener in self._listeners:
            listener(event)
        return event


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    name = type(error).__name__
    if text and name.startswith("_"):
        return text  # the name is for the one file that raises and catches it
    return f"{name}: {text}" if text else name
