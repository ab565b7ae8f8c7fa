"""The meaning of growth for a service in production: when its memory runs out, and which growth it could live with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leakdrill.units import show_duration

if TYPE_CHECKING:
    from leakdrill.judging.leak.slope import Slope


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    """A promise: to stay within `limit_bytes` for `seconds` at `requests_per_s`."""

    seconds: float
    requests_per_s: float
    limit_bytes: float

    def budget(self, level_bytes: float) -> float:
        """Growth per request, in bytes, that keeps the promise from a level of `level_bytes`; never below 0."""
        return max(0.0, self.limit_bytes - level_bytes) / (self.seconds * self.requests_per_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """Seconds until memory is exhausted; None stands for never.

    Attributes:
        expected_s: at the growth that was estimated.
        soonest_s: at the upper end of its interval.
        latest_s: at its lower end.
    """

    expected_s: float | None
    soonest_s: float | None
    latest_s: float | None

    def __str__(self) -> str:
        if self.soonest_s is None:
            return "never out of memory"
        soonest = show_duration(self.soonest_s)
        if self.expected_s is None:
            return f"out of memory in {soonest} at the soonest, if at all"
        if self.latest_s is None:
            return f"out of memory in {show_duration(self.expected_s)}, {soonest} at the soonest"
        return f"out of memory in {show_duration(self.expected_s)}, {soonest} to {show_duration(self.latest_s)}"


def project(growth: Slope, *, level_bytes: float, limit_bytes: float, requests_per_s: float) -> Projection:
    """The time at which a service with `level_bytes` and `requests_per_s` reaches `limit_bytes`."""

    def after_s(bytes_per_request: float) -> float | None:
        per_s = bytes_per_request * requests_per_s
        return max(0.0, limit_bytes - level_bytes) / per_s if per_s > 0 else None

    return Projection(
        expected_s=after_s(growth.per_request), soonest_s=after_s(growth.high), latest_s=after_s(growth.low)
    )
