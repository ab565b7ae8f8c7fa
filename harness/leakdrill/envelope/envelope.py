"""What one alert sees: seconds to spare for each leak, and how long it fires for nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.alerting.rules import AlertRule
    from leakdrill.envelope.quantities import Resource


@dataclass(frozen=True, slots=True)
class Sight:
    """What an alert made of one leak.

    Attributes:
        takes_s: seconds from the baseline to the kill.
        spare_s: from the first firing to the next kill; None where it is blind.
        kills_before: how often the service had been killed when it fired.
        is_early: whether it fired before the leak began.
        within_s: how exact the seconds are: a scrape and an evaluation.
    """

    takes_s: float
    spare_s: float | None
    kills_before: int = 0
    is_early: bool = False
    within_s: float = 45.0

    @property
    def is_seen(self) -> bool:
        """Whether it fired before the first kill, and because of the leak."""
        return self.spare_s is not None and not self.kills_before and not self.is_early


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """An alert in a healthy course.

    Attributes:
        shape: of the course.
        fired_s: for how long it fired.
        lasts_s: how long the course was looked at.
    """

    shape: str
    fired_s: float
    lasts_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What one alert sees, or why that cannot be said.

    Attributes:
        alert: the rule.
        reason: why there is no envelope; empty where there is one.
        resources: what it watches.
        sights: of each shape, by the time to the kill.
        false_alarms: of the healthy courses in which it fires.
        healthy: the names of all healthy courses that it was tried on.
        notes: one sentence for each thing that was left out, or read by its name.
    """

    alert: AlertRule
    reason: str = ""
    resources: tuple[Resource, ...] = ()
    sights: dict[str, tuple[Sight, ...]]
    false_alarms: tuple[FalseAlarm, ...] = ()
    healthy: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def steady(self) -> tuple[Sight, ...]:
        """The sights of the steady leak, from which the sentence is made."""
        return self.sights.get("steady", ())

    def edges(self) -> Iterator[tuple[Sight, Sight]]:
        """Yields each pair of neighbouring speeds of the steady leak of which one is seen and one is not."""
        for one, other in zip(self.steady, self.steady[1:], strict=False):
            if one.is_seen != other.is_seen:
                yield one, other


def no_envelope(alert: AlertRule, reason: str) -> Envelope:
    """Returns the envelope of an alert that cannot be played."""
    return Envelope(alert=alert, reason=reason, sights={})
