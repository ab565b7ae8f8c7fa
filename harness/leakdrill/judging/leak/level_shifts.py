"""Level shifts: the one or two points at which memory jumps, far apart from how it moves otherwise.

A table that doubles (a dict, a list, a hash map in C) jumps each time, and as each jump takes as many requests as all
before it, a minute shows one or two, whether the table's owner leaks or not. A level shift hides a leak that goes on
evenly around it: the interval must allow that growth is nothing but shifts. Taken out, they leave what grows between
them. That lowers the growth that is seen, so it may add a LEAK and never a CLEAN.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.leak.growth_kind import PAGE_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leakdrill.judging.leak.quiescent_points import Points

_MOST: Final = 2
"""A series that shifts more often is no table that doubles, and taking it out would be choosing."""

_STANDS_OUT: Final = 3.0
"""A level shift is at least this many times as far from the other rises as they are from each other."""

_LEAST_BYTES: Final = 16 * PAGE_BYTES
_ALSO_SHIFTED: Final = ("live", "uord", "hblkhd")
"""Counts in bytes that a table's new memory is part of."""


@dataclass(frozen=True, slots=True)
class LevelShift:
    """One level shift of resident memory.

    Attributes:
        after_requests: how many were completed by the point that shows it.
        size_bytes: how much more memory rose there than it does otherwise.
    """

    after_requests: float
    size_bytes: float


def without_level_shifts(series: Points) -> tuple[Points, tuple[LevelShift, ...]]:
    """The points without level shifts, and the shifts; the same points where there are none."""
    rises = np.diff(series.resident)
    at = _shift_points(rises)
    if not len(at):
        return series, ()
    counters = {n: _evened(v, at) if n in _ALSO_SHIFTED else v for n, v in series.counters.items()}
    evened = replace(series, resident=_evened(series.resident, at), counters=counters)
    typical = float(np.median(np.delete(rises, at)))
    return evened, tuple(LevelShift(float(series.requests[k + 1]), float(rises[k]) - typical) for k in at)


def _shift_points(rises: NDArray[np.float64]) -> NDArray[np.intp]:
    """The indices of the rises that stand out; none when more do than level shifts would explain."""
    for shifts in range(_MOST, 0, -1):
        if len(rises) <= shifts + 1:
            continue
        order = np.argsort(rises)
        rest, out = rises[order[:-shifts]], rises[order[-shifts:]]
        least = max(_STANDS_OUT * float(np.ptp(rest)), float(_LEAST_BYTES))
        if float(out.min() - rest.max()) >= least:
            return np.sort(order[-shifts:])
    return np.empty(0, dtype=np.intp)


def _evened(values: NDArray[np.float64], at: NDArray[np.intp]) -> NDArray[np.float64]:
    """`values` with the rises at `at` replaced by the typical one."""
    rises = np.diff(values)
    rises[at] = np.median(np.delete(rises, at))
    return np.asarray(values[0] + np.concatenate(([0.0], np.cumsum(rises))), dtype=np.float64)
