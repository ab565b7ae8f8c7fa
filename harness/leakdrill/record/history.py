"""The history of one run: events in order, and views on them. All that a check may look at.

The file is JSON Lines, one event a line, appended as it happens. `Recorder` (recorder.py) writes it; this module
reads it and never touches anything else, so a stored run can be judged on any machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from leakdrill.errors import BadInput
from leakdrill.files import open_below
from leakdrill.record.event import PHASES, SCHEMA_VERSION, Event, Kind, Value, event_line, event_schema, read_event
from leakdrill.record.events import RunPhase
from leakdrill.units import show_size

LONGEST_LINE = 16 * 2**20
"""How long a line may be: a file without a newline is read into memory as one."""

_KEPT = 50_000
"""Of how many lines of a source the typed events are kept: those of a long run would take too much memory."""

__all__ = [
    "LONGEST_LINE",
    "PHASES",
    "SCHEMA_VERSION",
    "Act",
    "Event",
    "History",
    "Kind",
    "Series",
    "Value",
    "event_line",
    "event_schema",
    "read_history",
    "whole_lines",
]

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from leakdrill.record.event_class import ActEvent, EventClass, Sample

E = TypeVar("E", bound="EventClass")
A = TypeVar("A", bound="ActEvent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One field of one source's samples over time.

    Attributes:
        t: shape (n,), seconds since the start of the run.
        values: shape (n,), in the unit that the field's name says.
        requests: shape (n,), requests the target had completed at each sample; NaN where nobody counted.
        indices: the events they come from.
    """

    t: NDArray[np.float64]
    values: NDArray[np.float64]
    requests: NDArray[np.float64]
    indices: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.indices)

    def between(self, start_s: float, end_s: float) -> Series:
        """The part with start_s <= t <= end_s."""
        keep = (self.t >= start_s) & (self.t <= end_s)
        return Series(
            t=self.t[keep],
            values=self.values[keep],
            requests=self.requests[keep],
            indices=tuple(np.asarray(self.indices, dtype=int)[keep].tolist()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Act(Generic[A]):
    """Something the drill did: its `begin`, and its end, or None when the record stops before it."""

    begin: A
    end: A | None

    @property
    def name(self) -> str:
        """The name of what was done."""
        return self.begin.line_name()

    @property
    def succeeded(self) -> bool:
        """Whether it ended in `ok`."""
        return self.end is not None and self.end.kind == "ok"

    @property
    def reason(self) -> str:
        """The reason why an act did not end in `ok`, from the record."""
        if self.end is None:
            return "the record ends before it did"
        return self.end.reason or self.end.error or self.end.kind


class History:
    """The events of one run. Immutable; the views are computed once."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.events: tuple[Event, ...] = tuple(events)
        self._typed: dict[type[EventClass], list[Any]] = {}
        self._series: dict[tuple[type[EventClass], str], Series] = {}

    def __len__(self) -> int:
        return len(self.events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    @cached_property
    def end_s(self) -> float:
        """`t` of the last event; 0 when there is none."""
        return self.events[-1].t if self.events else 0.0

    def where(
        self,
        *,
        source: str | None = None,
        name: str | None = None,
        kind: Kind | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> list[Event]:
        """The lines that match everything given, in order, of whatever shape; `of` gives events of the catalogue."""
        wanted = (labels or {}).items()
        return [
            e
            for e in self._of_source(source)
            if (name is None or e.name == name)
            and (kind is None or e.kind == kind)
            and all(e.labels.get(key) == value for key, value in wanted)
        ]

    def of(self, event_class: type[E]) -> list[E]:
        """The events of a class, in order; of an act's class every line of every act."""
        if event_class in self._typed:
            return list(self._typed[event_class])
        lines = self._of_source(event_class.source)
        found = [event_class.from_event(e) for e in lines if event_class.matches(e)]
        if len(lines) <= _KEPT:
            self._typed[event_class] = list(found)
        return found

    def series(self, event_class: type[Sample], field_name: str) -> Series:
        """A field of the samples of a class; samples without it are left out."""
        if (event_class, field_name) not in self._series:
            self._series[event_class, field_name] = self._read_series(event_class, field_name)
        return self._series[event_class, field_name]

    def _read_series(self, event_class: type[Sample], field_name: str) -> Series:
        entry = event_class.entry_of(field_name)
        rows = [
            (e.index, e.t, e.value[entry], e.value.get("requests", np.nan))
            for e in self._of_source(event_class.source)
            if event_class.matches(e) and isinstance(e.value, dict) and entry in e.value
        ]
        columns = np.array([row[1:] for row in rows], dtype=float).reshape(len(rows), 3)
        columns.flags.writeable = False
        return Series(
            t=columns[:, 0],
            values=columns[:, 1],
            requests=columns[:, 2],
            indices=tuple(row[0] for row in rows),
        )

    def phase(self, name: str) -> tuple[float, float] | None:
        """Start and end of a phase in seconds since the start; None when the drill never reached it."""
        times = [event.t for event in self.of(RunPhase) if event.phase == name]
        if not times:
            return None
        return times[0], times[-1] if len(times) > 1 else self.end_s

    def acts(self, event_class: type[A]) -> list[Act[A]]:
        """The acts of a class, each with its end, in the order in which they began."""
        lines = self.of(event_class)
        ends = {line.act: line for line in lines if line.kind != "begin"}
        return [Act(begin=line, end=ends.get(line.act)) for line in lines if line.kind == "begin"]

    def _of_source(self, source: str | None) -> Sequence[Event]:
        return self.events if source is None else self._by_source.get(source, ())

    @cached_property
    def _by_source(self) -> dict[str, list[Event]]:
        grouped: dict[str, list[Event]] = {}
        for event in self.events:
            grouped.setdefault(event.source, []).append(event)
        return grouped


def read_history(path: Path) -> History:
    """The history in `path`. A torn last line, as a crash leaves it, is left out.

    Raises:
        BadInput: when the file cannot be read, or another line is no event; names file and line.
    """
    try:
        with open_below(path.parent, path.name) as file:
            return History(_events(file, path))
    except OSError as e:
        raise BadInput(
            f"{path}: cannot be read: {e.strerror}", hint="name a run folder, such as runs/NAME/latest"
        ) from e


def whole_lines(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """The lines of a history, each with its newline; only the last, torn by a crash, may have none.

    Raises:
        BadInput: when one is longer than any event; names file and line.
    """
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            raise BadInput(f"{path}:{number}: is longer than {show_size(LONGEST_LINE)}; expected one event")
        yield line


def _events(file: BinaryIO, path: Path) -> Iterator[Event]:
    for number, line in enumerate(whole_lines(file, path), start=1):
        if line.endswith(b"\n"):
            yield read_event(line, f"{path}:{number}")
