"""The series of a resource, as its readings in the record give it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.record.event_class import Reading
from leakdrill.record.events import EVENTS
from leakdrill.resources import RESOURCES

if TYPE_CHECKING:
    from leakdrill.record.history import History, Series

_METERS: Final = {(event.source, event.event_name): event for event in EVENTS if issubclass(event, Reading)}

_RATE_WINDOW_S: Final = 1.0
"""Shorter, and the tick in which the kernel counts CPU time shows; longer, and a step's effect comes late."""


def resource_series(history: History, name: str) -> Series:
    """Returns the level of a resource over time, in its unit: bytes, a number of files or threads, cores."""
    series = read_series(history, name)
    return _rate(series) if RESOURCES[name].is_rate and len(series) else series


def read_series(history: History, name: str) -> Series:
    """Returns the first of a resource's readings that the record holds, as it was read: of CPU, its seconds so far.

    What was read where no process was, such as 0 bytes of memory, measures nothing and is left out.
    """
    resource = RESOURCES[name]
    readings = [history.series(_METERS[one.source, one.name], one.field) for one in resource.readings]
    series = next((series for series in readings if len(series)), readings[-1])
    return _part(series, series.values >= resource.least_reading) if resource.least_reading else series


def _rate(count: Series) -> Series:
    """The rise of a count per second, over the second before each reading.

    A reading whose second holds a restart of the count, or a gap, is left out.
    """
    earlier = np.searchsorted(count.t, count.t - _RATE_WINDOW_S, side="right") - 1
    took_s = count.t - count.t[np.maximum(earlier, 0)]
    rose = count.values - count.values[np.maximum(earlier, 0)]
    keep = (earlier >= 0) & (took_s <= 2 * _RATE_WINDOW_S) & (rose >= 0)
    return replace(_part(count, keep), values=rose[keep] / took_s[keep])


def _part(series: Series, keep: np.typing.NDArray[np.bool_]) -> Series:
    return type(series)(
        t=series.t[keep],
        values=series.values[keep],
        requests=series.requests[keep],
        indices=tuple(np.asarray(series.indices, dtype=int)[keep].tolist()),
    )
