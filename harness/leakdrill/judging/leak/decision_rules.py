"""The rules of LEAK and CLEAN, and the reason for each: every rule is a question with yes or no.

Mann-Kendall, the p-value of a regression and a percentage of growth are not among them: each calls half of the healthy
recordings a leak that benchmarks/leak_benchmark.py makes, because warm-up, a step and a cache that fills all rise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from leakdrill.judging.leak.growth_evidence import GrowthEvidence, Trend
    from leakdrill.judging.leak.slope import Slope

DEFAULT_BUDGET: Final = 32.0
"""Bytes per request. One small Python object left behind by every request costs 48 or more (an int beyond 64 bits 48,
a float or a short string with its slot in a container 56), and a cache of heavy-tailed keys that is never quite full
was measured at 19; 32 lies between. At 50 requests a second it is 138 MB a day."""

DEFAULT_CONFIDENCE: Final = 0.99
DEFAULT_LONGEST_TTL_S: Final = 10.0

_MARGIN_SHARE: Final = 0.25
"""A difference smaller than this share of the budget is no difference, however certain."""

_DECLINE: Final = 0.9
"""Growth that keeps more than this share in the second half has not declined, however certain the difference."""

_STEADY: Final = 0.15
"""Growth that can have lost no more than this share is steady."""

_Z_DECLINE: Final = 2.33
"""One-sided 99 %."""

_KEPT: Final = 0.5
_Z_GOES_ON: Final = 1.645


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """The bounds that the verdict is held against.

    Attributes:
        budget: bytes per request that may be lost.
        confidence: of every interval, two-sided.
        longest_ttl_s: what the service keeps for a while, it keeps for no longer.
    """

    budget: float = DEFAULT_BUDGET
    confidence: float = DEFAULT_CONFIDENCE
    longest_ttl_s: float = DEFAULT_LONGEST_TTL_S


LEAST_LONGER: Final = 1.5
"""A smaller multiple of what was measured would be a promise that chance does not keep."""


def times_longer(growth: Slope, budget: float) -> float:
    """How many times as long what is judged must last until the interval of `growth` is on one side of `budget`.

    The width of an interval falls with the square root of what is measured. Infinite where growth is the budget.
    """
    distance = abs(growth.per_request - budget)
    return ((growth.high - growth.low) / 2 / distance) ** 2 if distance else float("inf")


def within(evidence: GrowthEvidence, rules: Judging) -> bool:
    """Whether growth is within the budget: by resident memory, or by the allocators' count where that only wavers."""
    live = evidence.live
    if live is not None and live.least_bytes > rules.budget:
        return False
    if evidence.high < rules.budget:
        return True
    live_is_flat = live is not None and live.high_bytes + evidence.unseen_live_steps < rules.budget
    growth, second = evidence.resident.all, evidence.resident.second
    wavers = (growth.low <= 0 or growth.per_request <= rules.budget) and second.per_request <= rules.budget
    return live_is_flat and (wavers or growth.high - evidence.retained < rules.budget)


def above(evidence: GrowthEvidence, rules: Judging) -> bool:
    """Whether growth is above the budget, in all and in the second half."""
    if all(live is not None and live.low_bytes > rules.budget for live in (evidence.live, evidence.live_second)):
        return evidence.in_use is None or goes_on(evidence.in_use)
    second = evidence.resident.second
    still = second.per_request - evidence.retained > rules.budget and second.low > 0
    return evidence.leaked_low > rules.budget and still and goes_on(evidence.resident)


def goes_on(trend: Trend) -> bool:
    """Whether the second half keeps half of the first half's growth at least, with 95 % confidence.

    It is not enough that no decline was found: little can be found in twelve points.
    """
    return _fall(trend, _Z_GOES_ON)[1] < _KEPT * max(trend.first.per_request, 0.0)


def above_from_the_start(evidence: GrowthEvidence, rules: Judging) -> bool:
    """Whether growth is above the budget without what memory's own trend made of warm-up."""
    live = evidence.live
    counted = live is not None and live.low_bytes > rules.budget
    return counted or evidence.whole.all.low - evidence.retained > rules.budget


def declines(evidence: GrowthEvidence) -> bool:
    """Whether growth falls off, of resident memory or of what is in use."""
    if _falls_off(evidence.resident, evidence.whole):
        return True
    if evidence.in_use is None or evidence.in_use_whole is None:
        return False
    return _falls_off(evidence.in_use, evidence.in_use_whole)


def _falls_off(judged: Trend, whole: Trend) -> bool:
    """Whether what is left after warm-up declines, or all of it does and the rest is not steady."""
    steady = _fall(judged)[1] < _STEADY * judged.first.per_request
    return _fell(judged) or (_fell(whole) and not steady)


def _fell(trend: Trend) -> bool:
    """Whether growth fell from the first half to the second, for certain and by more than a tenth."""
    return _fall(trend)[0] > 0 and trend.second.per_request < _DECLINE * trend.first.per_request


def _fall(trend: Trend, z: float = _Z_DECLINE) -> tuple[float, float]:
    """The least and the most by which growth fell from the first half to the second."""
    first, second = trend.first, trend.second
    error = (first.error**2 + second.error**2) ** 0.5
    fall = first.per_request - second.per_request
    return fall - z * error, fall + z * error


def differs(more: tuple[Slope, Slope], budget: float) -> int:
    """1 when a build grows more than another, -1 when less, else 0.

    Args:
        more: the difference in growth, in all and in the second half.
        budget: bytes per request; by a quarter of it at least, for certain, and half of it must still be added at the
            end: a cache that filled a second earlier, or a step in one of the two, is no difference between builds.
    """
    margin = _MARGIN_SHARE * budget
    in_all, second = more
    goes_on = abs(second.per_request) > abs(in_all.per_request) / 2
    if not goes_on:
        return 0
    return int(in_all.low > margin and second.low > 0) - int(in_all.high < -margin and second.high < 0)
