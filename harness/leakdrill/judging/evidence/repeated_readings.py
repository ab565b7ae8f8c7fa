"""Whether a stretch of readings is a copy of another one: memory never takes the same uneven course twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.doubt import Doubt
from leakdrill.record.events import CgroupResources, ProcessTree
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.record.event_class import Reading
    from leakdrill.record.history import History, Series
    from leakdrill.scenario.scenario import Scenario

_READ: Final[tuple[tuple[type[Reading], str], ...]] = (
    (CgroupResources, "usage_bytes"),
    (CgroupResources, "anon_bytes"),
    (ProcessTree, "rss_bytes"),
)
_LENGTH: Final = 24
_LEAST_VALUES: Final = 8
"""Of fewer values a course may well come again: memory that is taken and given back is taken by the same sizes."""
_LEAST_TURNS: Final = 3


def repeated_readings(history: History, scenario: Scenario) -> Iterator[Doubt]:  # noqa: ARG001 - as all searches
    """The first stretch of each meter that repeats an earlier one."""
    for event_class, name in _READ:
        series = history.series(event_class, name)
        found = _repeated(series)
        if found is not None:
            first, again = found
            text = f"{event_class.source} {name} repeats from {show_duration(float(series.t[again]))} on, reading by"
            text = f"{text} reading, what it was from {show_duration(float(series.t[first]))} on"
            yield Doubt(text, (series.indices[first], series.indices[again]), frozenset({"memory"}))
            return


def _repeated(series: Series) -> tuple[int, int] | None:
    """Where a stretch begins, and where it comes again; None when none does."""
    seen: dict[tuple[float, ...], int] = {}
    values = series.values.tolist()
    for place in range(len(values) - _LENGTH + 1):
        window = tuple(values[place : place + _LENGTH])
        if len(set(window)) < _LEAST_VALUES or _turns(window) < _LEAST_TURNS:
            continue
        first = seen.setdefault(window, place)
        if place - first >= _LENGTH:
            return first, place
    return None


def _turns(window: tuple[float, ...]) -> int:
    """How often the course turns from rising to falling, or back: what only rises may rise by equal steps."""
    rises = np.sign(np.diff(window))
    moving = rises[rises != 0]
    return int(np.count_nonzero(np.diff(moving)))
