"""A recording reduced to comparable points: one after each quiescent point, or the lowest of each stretch of load.

At a quiescent point (sentences say "quiet point") the load is paused and drained, garbage is collected, and the heap is
trimmed: what is then in memory is kept, and not merely in use.

Where a service never rests, a reading shows what the requests in flight hold as well. What stays is best seen at the
lowest reading of a stretch, so continuous recordings are cut into stretches of equally many requests and each is
represented by its lowest sample. It is a poor stand-in for a quiescent point, and the verdict says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.leak.trace import COUNTERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from leakdrill.judging.leak.trace import Trace

STRETCHES: Final = 24
"""Points taken from a continuous recording; as many as the slots of a recording of a minute with quiescent points."""

_MOST: Final = 60
"""Quiescent points beyond this are taken in groups: the interval costs their cube, and gains nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """The points that the verdict is computed from; every array has one entry per point, requests strictly increasing.

    Attributes:
        t: seconds since load began.
        requests: completed since load began.
        resident: bytes of the resident column.
        counters: the allocators' own figures, where the recording has them.
        quiet: whether each was taken at rest.
    """

    t: NDArray[np.float64]
    requests: NDArray[np.float64]
    resident: NDArray[np.float64]
    counters: Mapping[str, NDArray[np.float64]]
    quiet: bool

    def __len__(self) -> int:
        return len(self.t)

    def part(self, start: int, end: int | None = None) -> Points:
        """The points from `start` up to, not including, `end`."""
        chosen = slice(start, end)
        return Points(
            t=self.t[chosen],
            requests=self.requests[chosen],
            resident=self.resident[chosen],
            counters={name: values[chosen] for name, values in self.counters.items()},
            quiet=self.quiet,
        )

    def halves(self) -> tuple[Points, Points]:
        """Both halves; the second one has the point in the middle."""
        middle = len(self) // 2
        return self.part(0, middle), self.part(middle)

    @property
    def malloc_in_use(self) -> NDArray[np.float64] | None:
        """Bytes that malloc, or every allocator, has given out and not got back; None where nobody counted."""
        if "live" in self.counters:
            return self.counters["live"]
        if not {"uord", "hblkhd"} <= self.counters.keys():
            return None
        return self.counters["uord"] + self.counters["hblkhd"]

    @property
    def exactly_in_use(self) -> NDArray[np.float64] | None:
        """All bytes in use: as recorded, or malloc's when Python's own allocator is off; None where it is not known."""
        if "live" in self.counters:
            return self.counters["live"]
        if "blocks" in self.counters and not np.any(self.counters["blocks"]):
            return self.malloc_in_use
        return None

    @property
    def span_requests(self) -> float:
        """Requests between the first point and the last."""
        return float(self.requests[-1] - self.requests[0]) if len(self) else 0.0

    @property
    def span_s(self) -> float:
        """Seconds between the first point and the last."""
        return float(self.t[-1] - self.t[0]) if len(self) else 0.0


def points(trace: Trace, *, after_s: float = 0.0) -> Points:
    """The points of `trace`; of a continuous one only from `after_s` seconds after load began."""
    chosen = _last_of_groups(trace) if trace.quiet else _lowest_of_stretches(trace, after_s)
    return Points(
        t=trace.t[chosen],
        requests=trace.requests[chosen],
        resident=trace.resident[chosen],
        counters={name: trace.columns[name][chosen] for name in COUNTERS if name in trace.columns},
        quiet=trace.quiet,
    )


def _last_of_groups(trace: Trace) -> NDArray[np.intp]:
    """The last sample at each count of requests, thinned evenly to `_MOST`."""
    last = np.flatnonzero(np.diff(trace.requests, append=np.inf) > 0)
    return last if len(last) <= _MOST else last[np.linspace(0, len(last) - 1, _MOST).round().astype(int)]


def _lowest_of_stretches(trace: Trace, after_s: float) -> NDArray[np.intp]:
    """The lowest sample of each of `STRETCHES` stretches of equally many requests; ties go to the first."""
    from_here = np.flatnonzero(trace.t >= after_s)
    if not len(from_here):
        return from_here
    requests, resident = trace.requests[from_here], trace.resident[from_here]
    edges = np.linspace(requests[0], requests[-1], STRETCHES + 1)
    stretch = np.clip(np.searchsorted(edges, requests, side="right") - 1, 0, STRETCHES - 1)
    lowest = [
        members[np.argmin(resident[members])] for k in range(STRETCHES) if len(members := np.flatnonzero(stretch == k))
    ]
    at = np.array(lowest, dtype=np.intp)
    return np.asarray(from_here[at[np.diff(requests[at], prepend=-np.inf) > 0]], dtype=np.intp)
