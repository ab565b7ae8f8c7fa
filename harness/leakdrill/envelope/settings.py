"""How an envelope is measured: the service that is assumed, the intervals, and which leaks are tried."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.envelope.quantities import Resource

DEFAULT_LIMITS: Final[Mapping[Resource, float]] = {
    "memory": 512.0 * 2**20,
    "disk": 10.0 * 2**30,
    "inodes": 1_000_000.0,
    "descriptors": 1024.0,
    "threads": 1000.0,
    "CPU": 1.0,
    "GPU memory": 16.0 * 2**30,
}
"""Of a rule that compares with a share of the limit, none of them matters."""
DEFAULT_BASELINE: Final = 0.35
FASTEST_S: Final = 120.0
SLOWEST_S: Final = 28 * 86_400.0
SPEEDS: Final = 15
_SETTLES_S: Final = 60.0
_OF_TAKEN: Final = 120
"""Slow leaks are evaluated about that many times on their way to the kill, if not more seldom than the rule allows."""
_LONGEST_SCRAPE_S: Final = 240.0
"""Prometheus looks back five minutes for a sample."""
_LONGEST_CLOSELY_S: Final = 120.0
_IN_A_RANGE: Final = 4
"""So many samples stand in the shortest range of a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is assumed and tried.

    Attributes:
        limits: of each resource, in bytes, cores or a number.
        baseline: how much of it is in use before the leak, 0 to 1.
        scrape_s: seconds between two scrapes.
        evaluate_s: seconds between two evaluations, of a group that names no interval of its own.
        fastest_s: the shortest time from the baseline to the kill.
        slowest_s: the longest.
        speeds: how many are tried, in equal ratios.
        only: the shapes that are tried; None for all.
    """

    limits: Mapping[Resource, float] = field(default_factory=lambda: DEFAULT_LIMITS)
    baseline: float = DEFAULT_BASELINE
    scrape_s: float = 15.0
    evaluate_s: float = 30.0
    fastest_s: float = FASTEST_S
    slowest_s: float = SLOWEST_S
    speeds: int = SPEEDS
    only: frozenset[str] | None = None

    def times_s(self) -> list[float]:
        """Returns the times from the baseline to the kill that are tried, whole scrapes each, shortest first."""
        tried = np.geomspace(self.fastest_s, self.slowest_s, max(self.speeds, 1))
        return sorted({self.whole(float(one)) for one in tried})

    def tries(self, shape: str) -> bool:
        """Returns whether `shape` is among those that are tried."""
        return self.only is None or shape in self.only

    def whole(self, seconds: float) -> float:
        """Returns `seconds` as whole scrapes, one at least."""
        return max(1, round(seconds / self.scrape_s)) * self.scrape_s


@dataclass(frozen=True, slots=True)
class Intervals:
    """The two intervals for one speed: those of production, and longer ones for leaks of days."""

    scrape_s: float
    evaluate_s: float


def intervals(
    takes_s: float, settings: Settings, *, own_s: float, least_range_s: float | None, closely: bool
) -> Intervals:
    """Returns how often a leak that takes `takes_s` is scraped and evaluated: in few steps, so that many are alike.

    Args:
        takes_s: seconds from the baseline to the kill.
        settings: what the user states.
        own_s: the interval of the rule's group; 0 where it has none.
        least_range_s: the shortest range of the rule.
        closely: whether what lasts for minutes counts: a restart, a tooth of a saw, a range over a recording rule.
    """
    least_s = own_s or settings.evaluate_s
    for_range_s = least_range_s / _IN_A_RANGE if least_range_s else _LONGEST_SCRAPE_S
    wanted_s = takes_s / _OF_TAKEN
    evaluate_s = max(least_s, min(wanted_s, for_range_s, _LONGEST_CLOSELY_S) if closely else wanted_s)
    evaluate_s = least_s * 2 ** round(math.log2(evaluate_s / least_s))
    scrape_s = max(settings.scrape_s, min(evaluate_s / 2, for_range_s, _LONGEST_SCRAPE_S))
    return Intervals(scrape_s // settings.scrape_s * settings.scrape_s, evaluate_s)


def quiet_s(history_s: float, for_s: float) -> float:
    """Returns how long a course is quiet before it counts: what the rule looks back, and waits."""
    return history_s + for_s + _SETTLES_S
