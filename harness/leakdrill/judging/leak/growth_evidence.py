"""All measurements on one recording, on which the verdict rests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.leak.growth_kind import (
    MALLOC_STEP_BYTES,
    PAGE_BYTES,
    Kind,
    Live,
    held,
    kind_of,
    live,
    retained_per_request,
)
from leakdrill.judging.leak.slope import Slope, fit_slope
from leakdrill.judging.leak.warmup import settled_from

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leakdrill.judging.leak.quiescent_points import Points

FEWEST_JUDGED: Final = 8
"""Points that must be left after warm-up: two halves with enough in each to see whether growth goes on."""

_GRANTED: Final = 0.25
"""The share of a recording, within the longest time to live after load began, in which steps are put down to warm-up
without asking how often they may come."""

_STEP_SHARE: Final = 0.1
"""A rise counts as a step when it is at least this share of all that memory moved."""

_RATE_RISE: Final = 1.25
_RATE_FOLLOWS: Final = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Growth of one reading over a stretch of points, and over either half of it."""

    all: Slope
    first: Slope
    second: Slope


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthEvidence:
    """The measurements on one recording.

    Attributes:
        points: after warm-up.
        warmup_points: given up as warm-up.
        resident: growth of resident memory after warm-up.
        whole: the same from where only time has ended warm-up. What memory's own trend calls warm-up was chosen by
            looking, and a leak must not depend on what was chosen.
        in_use: growth after warm-up of all that is in use, where the recording has it to the byte.
        in_use_whole: the same from where only time has ended warm-up.
        live: what the allocators count as in use; None when nobody counted.
        live_second: the same in the second half.
        held: threads or descriptors, when their number grows.
        retained: bytes per request that are resident but unused.
        unseen_steps: bytes per request that steps like those in the part given up could still add, although none was
            seen in the part that is judged (with 95 % confidence: three over the requests judged).
        unseen_live_steps: the same for what malloc has in use.
        rate_rises: whether load rose throughout, so that what follows the rate looks like growth.
        outlasts_ttl: whether the judged part began, and lasted, longer than anything that lives for a while.
    """

    points: Points
    warmup_points: int
    resident: Trend
    whole: Trend
    in_use: Trend | None
    in_use_whole: Trend | None
    live: Live | None
    live_second: Live | None
    held: Kind | None
    retained: float
    unseen_steps: float
    unseen_live_steps: float
    rate_rises: bool
    outlasts_ttl: bool

    @property
    def leaked_low(self) -> float:
        """The least that memory grows, without what allocators keep."""
        return self.resident.all.low - self.retained

    @property
    def kind(self) -> Kind:
        """The kind of growth."""
        kind = kind_of(self.resident.all, self.live)
        return kind if self.held is None or kind is Kind.NONE else self.held

    @property
    def high(self) -> float:
        """The most that memory grows, with steps that were not seen."""
        return self.resident.all.high + self.unseen_steps


def gather(series: Points, *, confidence: float, longest_ttl_s: float) -> GrowthEvidence:
    """Measure `series`, which has `FEWEST_JUDGED` points at least."""
    waited = _after_ttl(series, longest_ttl_s)
    start = max(waited, settled_from(series.requests, series.resident, resolution=PAGE_BYTES))
    if len(series) - start < FEWEST_JUDGED:
        start = waited
    judged, whole = series.part(start), series.part(waited)
    resident, live_growth = _resident_trend(judged, confidence), live(judged, confidence)
    in_use = series.malloc_in_use
    return GrowthEvidence(
        points=judged,
        warmup_points=start,
        resident=resident,
        whole=_resident_trend(whole, confidence),
        in_use=_in_use_trend(judged, confidence),
        in_use_whole=_in_use_trend(whole, confidence),
        live=live_growth,
        live_second=live(judged.halves()[1], confidence),
        held=held(judged, confidence),
        retained=retained_per_request(resident.all, live_growth),
        unseen_steps=_unseen_steps(series, series.resident, start, longest_ttl_s),
        unseen_live_steps=0.0 if in_use is None else _unseen_steps(series, in_use, start, longest_ttl_s),
        rate_rises=_rate_rises(judged),
        outlasts_ttl=judged.t[0] >= longest_ttl_s and judged.span_s >= longest_ttl_s,
    )


def _resident_trend(part: Points, confidence: float) -> Trend:
    return _trend(part.requests, part.resident, confidence, PAGE_BYTES)


def _in_use_trend(part: Points, confidence: float) -> Trend | None:
    values = part.exactly_in_use
    return None if values is None else _trend(part.requests, values, confidence, MALLOC_STEP_BYTES)


def _trend(requests: NDArray[np.float64], values: NDArray[np.float64], confidence: float, resolution: float) -> Trend:
    middle = len(requests) // 2

    def of(first: int, end: int | None) -> Slope:
        return fit_slope(requests[first:end], values[first:end], confidence=confidence, resolution=resolution)

    return Trend(all=of(0, None), first=of(0, middle), second=of(middle, None))


def _after_ttl(series: Points, longest_ttl_s: float) -> int:
    """The first point by which everything short-lived has lived; 0 when waiting would leave too little."""
    waited = int(np.searchsorted(series.t, longest_ttl_s))
    return waited if len(series) - waited >= FEWEST_JUDGED else 0


def _unseen_steps(series: Points, values: NDArray[np.float64], start: int, longest_ttl_s: float) -> float:
    """The rule of three (Hanley and Lippman-Hand 1983) on the largest step that was given up as warm-up."""
    granted = min(int(len(series) * _GRANTED), int(np.searchsorted(series.t, longest_ttl_s)))
    if start <= granted:
        return 0.0
    step = float(np.diff(values[granted : start + 1]).max())
    moved = float(np.ptp(values))
    if step < _STEP_SHARE * moved or step <= PAGE_BYTES:
        return 0.0
    return 3 * step / series.part(start).span_requests


def _rate_rises(judged: Points) -> bool:
    """Whether requests per second rose throughout, by a quarter or more; asked only where load never rested.

    Between quiescent points the rate is the machine's, which gets faster as its caches warm, and slots are of one load.
    """
    rates = np.diff(judged.requests) / np.maximum(np.diff(judged.t), 1e-9)
    if judged.quiet or len(rates) < FEWEST_JUDGED - 1:
        return False
    third = len(rates) // 3
    early, late = _typical(rates[:third]), _typical(rates[-third:])
    from scipy import stats

    order = float(stats.spearmanr(np.arange(len(rates)), rates).statistic) if np.ptp(rates) else 0.0
    return late > _RATE_RISE * early and order > _RATE_FOLLOWS


def _typical(rates: NDArray[np.float64]) -> float:
    return float(np.median(rates))
