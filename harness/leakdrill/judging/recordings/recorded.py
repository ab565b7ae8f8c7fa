"""What a recording of another tool holds: series of memory, and of the requests that were completed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSeries:
    """The readings of one thing; every array has one entry per reading.

    Attributes:
        name: what a person knows it by, such as `container shop: MemUsage`.
        column: the kind of reading: `rss`, `working_set`, `requests`, …
        t: seconds, since 1970 where the recording has dates.
        values: bytes, or requests completed so far.
        places: the line in the file that each reading stands in; 0 where the file has no lines.
    """

    name: str
    column: str
    t: NDArray[np.float64]
    values: NDArray[np.float64]
    places: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One recording.

    Attributes:
        what: the tool that wrote it, such as `psrecord's log`.
        memory: a series for each process or container.
        requests: of these the sum counts.
        has_dates: whether `t` is a date, so that another recording can be laid beside it.
        notes: what was understood that the file does not say, such as the unit.
    """

    what: str
    memory: tuple[RecordedSeries, ...] = ()
    requests: tuple[RecordedSeries, ...] = ()
    has_dates: bool = True
    notes: tuple[str, ...] = ()


class SeriesMaker:
    """Collects readings one after another, by the name of what they are of."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._readings: dict[str, list[tuple[float, float, int]]] = {}

    def add(self, name: str, t: float, value: float, place: int) -> None:
        """Add a reading of `name`."""
        self._readings.setdefault(name, []).append((t, value, place))

    def count(self, name: str, t: float, place: int) -> None:
        """Add one completed request at `t`."""
        self.add(name, t, 1.0, place)

    def series(self) -> tuple[RecordedSeries, ...]:
        """The series, in the order in which their names came."""
        return tuple(self._one(name, readings) for name, readings in self._readings.items())

    def counted(self) -> tuple[RecordedSeries, ...]:
        """The same, of requests that were counted one by one, in whatever order they were written."""
        ordered = SeriesMaker(self._column)
        for name, readings in self._readings.items():
            done = 0.0
            for t, one, place in sorted(readings):
                done += one
                ordered.add(name, t, done, place)
        return ordered.series()

    def _one(self, name: str, readings: list[tuple[float, float, int]]) -> RecordedSeries:
        table = np.array([(t, value) for t, value, _ in readings], dtype=float)
        places = [place for _, _, place in readings]
        return RecordedSeries(name=name, column=self._column, t=table[:, 0], values=table[:, 1], places=places)
