"""The growth of a series: per request, or per second, with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.statistics import Interval, robust_slope
from leakdrill.units import show_count, show_duration

if TYPE_CHECKING:
    from leakdrill.judging.evidence.windows import Span
    from leakdrill.record.history import Series

LEAST_SAMPLES: Final = 10
LEAST_REQUESTS: Final = 50
"""Fewer say nothing about growth per request: one arena of an allocator outweighs them."""
_PARTS: Final = 6
_LEAST_OF_PART: Final = 10
HIGH: Final = 0.95
"""The level of a peak: the 95th percentile, because between two requests the resource falls back."""


@dataclass(frozen=True, slots=True)
class Growth:
    """The growth of a resource over a span, in its unit per request."""

    per_request: Interval
    requests: float
    span: Span
    events: tuple[int, ...]


def counted(series: Series) -> Series:
    """The samples at which requests had been counted."""
    known = ~np.isnan(series.requests)
    return type(series)(
        t=series.t[known],
        values=series.values[known],
        requests=series.requests[known],
        indices=tuple(np.asarray(series.indices, dtype=int)[known].tolist()),
    )


def growth_per_request(series: Series, span: Span) -> Growth | str:
    """Growth of `series` per completed request in `span`, or the reason why it is not known."""
    part = counted(series.between(span.start_s, span.end_s))
    if len(part) < LEAST_SAMPLES:
        return f"only {show_count(len(part), 'sample')} with a count of requests in {show_duration(span.length_s)}"
    requests = float(part.requests[-1] - part.requests[0])
    if requests < LEAST_REQUESTS:
        return f"only {show_count(requests, 'request')} in {show_duration(span.length_s)}"
    return Growth(robust_slope(part.requests, part.values), requests, span, (part.indices[0], part.indices[-1]))


def grows_steadily(series: Series, span: Span, least: float) -> bool:
    """Whether `series` grew by more than `least` per request in nearly every part of `span`, as a leak does.

    An allocator takes memory in a step or two, and stands still between them: whatever a trend through that says, most
    parts of the span show no growth.
    """
    part = counted(series.between(span.start_s, span.end_s))
    requests = float(part.requests[-1] - part.requests[0]) if len(part) else 0.0
    if len(part) < LEAST_SAMPLES or requests < _PARTS * _LEAST_OF_PART:
        return False
    edges = np.linspace(part.requests[0], part.requests[-1], _PARTS + 1)
    levels = np.interp(edges, part.requests, part.values)
    return int((np.diff(levels) > least * np.diff(edges)).sum()) >= _PARTS - 1


def growth_per_second(series: Series, span: Span) -> Interval | None:
    """Growth of `series` in its unit per second over `span`; None when there are too few samples."""
    part = series.between(span.start_s, span.end_s)
    return robust_slope(part.t, part.values) if len(part) >= LEAST_SAMPLES else None
