"""What one alert would have done in a stretch of the past: when it was pending, fired and cleared; or why unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from leakdrill.alerting.same_alert import title_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.alerting.rules import AlertRule
    from leakdrill.backtest.states_sheet import Labels

Word = Literal["FIRES", "MAY FIRE", "PENDING", "SILENT", "UNKNOWN"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """One time from the first evaluation at which an alert was active to the first at which it was not.

    Attributes:
        labels: of the alert, its name as `alertname`.
        pending_s: when it began to wait, in seconds of production time; None where it fired at once.
        firing_s: when it began to fire; None where it never did.
        over_s: when it was over; None where it was not until the end.
    """

    labels: Labels
    pending_s: float | None
    firing_s: float | None
    over_s: float | None


@dataclass(frozen=True, slots=True)
class Grid:
    """When rules are evaluated, in seconds of production time.

    Attributes:
        origin_s: the first time.
        every_s: between two times.
    """

    origin_s: float
    every_s: float

    def at(self, number: int) -> float:
        """Returns when the evaluation of this number is, from 0."""
        return round(self.origin_s + number * self.every_s, 3)


@dataclass(frozen=True, slots=True)
class AlertPast:
    """What one alert would have done.

    Attributes:
        alert: the rule.
        stretches: in their order; empty where it was silent, and where nothing is known.
        evaluate_s: seconds of production time between two evaluations.
        reason: why nothing is known; empty where it is.
    """

    alert: AlertRule
    stretches: tuple[Stretch, ...] = ()
    evaluate_s: float = 0.0
    reason: str = ""

    @property
    def fires_s(self) -> float | None:
        """When it first fired; None where it did not, or where nothing is known."""
        return min((one.firing_s for one in self.stretches if one.firing_s is not None), default=None)


@dataclass(frozen=True, slots=True)
class Backtested:
    """What one alert would have done, in each way in which the past may have been scraped.

    Attributes:
        alert: the rule.
        ways: at least one.
    """

    alert: AlertRule
    ways: tuple[AlertPast, ...]

    @property
    def reason(self) -> str:
        """Why nothing is known of it; empty where it is."""
        return next((way.reason for way in self.ways if way.reason), "")

    @property
    def word(self) -> Word:
        """What is said of it in a word or two."""
        if self.reason:
            return "UNKNOWN"
        fired = self.fires_in
        if fired:
            return "FIRES" if fired == len(self.ways) else "MAY FIRE"
        return "PENDING" if any(way.stretches for way in self.ways) else "SILENT"

    @property
    def fires_in(self) -> int:
        """In how many of the ways it fires."""
        return sum(way.fires_s is not None for way in self.ways)

    @property
    def usual(self) -> AlertPast:
        """The way that is told: the middle one of those in which it fires, else of those in which it is active."""
        firing = sorted((way.fires_s, number) for number, way in enumerate(self.ways) if way.fires_s is not None)
        if firing:
            return self.ways[firing[len(firing) // 2][1]]
        return next((way for way in self.ways if way.stretches), self.ways[0])

    @property
    def fires_s(self) -> float | None:
        """When it first fires in that way."""
        return self.usual.fires_s

    @property
    def fires_between_s(self) -> tuple[float, float] | None:
        """When it first fires at the earliest and at the latest, in the ways in which it does."""
        times = [way.fires_s for way in self.ways if way.fires_s is not None]
        return (min(times), max(times)) if times else None

    @property
    def title(self) -> str:
        """Its name and severity."""
        return title_of(self.alert)


def stretches_of(labels: Labels, states: Mapping[str, set[int]], count: int, grid: Grid) -> list[Stretch]:
    """Returns the stretches of one alert.

    Args:
        labels: of the alert.
        states: the evaluations at which it was `pending`, and those at which it was `firing`.
        count: how many evaluations there were.
        grid: when they were.
    """
    pending, firing = states.get("pending", set()), states.get("firing", set())
    found = []
    active = sorted(pending | firing)
    for begin in (k for k in active if k - 1 not in pending and k - 1 not in firing):
        end = next(k for k in range(begin, count + 1) if k not in pending and k not in firing)
        fired = next((k for k in range(begin, end) if k in firing), None)
        found.append(
            Stretch(
                labels=labels,
                pending_s=grid.at(begin) if begin in pending else None,
                firing_s=None if fired is None else grid.at(fired),
                over_s=grid.at(end) if end < count else None,
            )
        )
    return found
