"""The difference in growth between two recordings of the same schedule, point by point.

Both went through the same requests, so whatever warm-up, filling and rate do to one they do to the other, and it
cancels. That is why a comparison resolves what neither recording can on its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.leak.growth_kind import MALLOC_STEP_BYTES, PAGE_BYTES
from leakdrill.judging.leak.slope import fit_slope
from leakdrill.judging.leak.warmup import settled_from
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from leakdrill.judging.leak.quiescent_points import Points
    from leakdrill.judging.leak.slope import Slope

_FEWEST_SHARED: Final = 8
_SHARED_SHARE: Final = 0.6
"""The least share of either recording's requests that the other must cover too."""

_APART_SHARE: Final = 0.15
"""Under one load, the same requests come at the same time, give or take this share of the recording."""


def incomparable_reason(candidate: Points, baseline: Points, *, rate_matters: bool) -> str:
    """The reason against comparing the two, in words; empty when nothing does.

    With `rate_matters` the same requests must have come at the same time: where load only rose, another load is
    another experiment. Where it went up and down, growth per request does not depend on it.
    """
    if candidate.quiet != baseline.quiet:
        with_points, without = ("candidate", "baseline") if candidate.quiet else ("baseline", "candidate")
        return f"the {with_points} has quiet points and the {without} has none"
    if not len(candidate) or not len(baseline):
        return "one of them has no points"
    shared = min(candidate.requests[-1], baseline.requests[-1]) - max(candidate.requests[0], baseline.requests[0])
    longer = max(candidate.span_requests, baseline.span_requests)
    if shared < _SHARED_SHARE * longer or len(_shared(candidate, baseline)) < _FEWEST_SHARED:
        return (
            f"the candidate served requests {candidate.requests[0]:.0f} to {candidate.requests[-1]:.0f}, "
            f"the baseline {baseline.requests[0]:.0f} to {baseline.requests[-1]:.0f}"
        )
    apart_s = _apart_s(candidate, baseline) if rate_matters else 0.0
    if apart_s > _APART_SHARE * candidate.span_s:
        return f"the same requests came up to {show_duration(apart_s)} earlier or later: the load was not the same"
    return ""


def difference(candidate: Points, baseline: Points, *, confidence: float) -> tuple[Slope, Slope]:
    """The growth per request of `candidate` beyond that of `baseline`: after warm-up, and in the second half of that.

    Of all that is in use where both recordings have it to the byte, else of resident memory.
    Call it only for two that `incomparable_reason` has nothing against.
    """
    both = _shared(candidate, baseline)
    requests = candidate.requests[both]
    values, others, resolution = candidate.resident, baseline.resident, PAGE_BYTES
    if candidate.exactly_in_use is not None and baseline.exactly_in_use is not None:
        values, others, resolution = candidate.exactly_in_use, baseline.exactly_in_use, MALLOC_STEP_BYTES
    more = values[both] - np.interp(requests, baseline.requests, others)
    start = settled_from(requests, more, resolution=resolution)
    middle = (start + len(both)) // 2

    def of(first: int) -> Slope:
        return fit_slope(requests[first:], more[first:], confidence=confidence, resolution=resolution)

    return of(start), of(middle)


def _apart_s(candidate: Points, baseline: Points) -> float:
    """The largest difference in when the same requests came, counted from the first that both have."""
    both = _shared(candidate, baseline)
    requests, t = candidate.requests[both], candidate.t[both]
    other_t = np.interp(requests, baseline.requests, baseline.t)
    return float(np.abs((t - t[0]) - (other_t - other_t[0])).max())


def _shared(candidate: Points, baseline: Points) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The candidate's points within the baseline's requests, give or take a tenth of a slot."""
    slack = 0.1 * candidate.span_requests / max(1, len(candidate) - 1)
    inside = (candidate.requests >= baseline.requests[0] - slack) & (
        candidate.requests <= baseline.requests[-1] + slack
    )
    return np.flatnonzero(inside)
