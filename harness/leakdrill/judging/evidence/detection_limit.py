"""The leaks that an alert on memory can never see: those that reach the limit while it still waits its `for`.

An alert at 80 % that must hold for 5 minutes leaves a leak 20 % of the limit to grow in these minutes. What grows by
more than 4 % of the limit a minute is killed first, whatever the drill at hand shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.record.events import MemoryThreshold, SelectorMatches
from leakdrill.units import show_duration, show_share

if TYPE_CHECKING:
    from leakdrill.judging.evidence.statistics import Interval
    from leakdrill.record.history import History
    from leakdrill.scenario.alerts import ExpectedAlert

_MIN: Final = 60.0


@dataclass(frozen=True, slots=True)
class DetectionLimit:
    """The speed above which an alert is blind, and that of this drill's leak; shares of the limit, production time."""

    threshold: float
    for_s: float
    leak_per_s: float
    time_scale: float
    event: int

    @property
    def blind_above_per_s(self) -> float:
        """A leak that is faster reaches the limit before `for` is over."""
        return (1 - self.threshold) / self.for_s

    @property
    def faster(self) -> bool:
        """Whether this drill's leak is one that the alert cannot see."""
        return self.leak_per_s > self.blind_above_per_s

    @property
    def numbers(self) -> dict[str, float]:
        """For the verdict."""
        return {
            "threshold": self.threshold,
            "for_production_s": self.for_s,
            "blind_above_share_per_production_min": self.blind_above_per_s * _MIN,
            "leak_share_per_production_min": self.leak_per_s * _MIN,
        }

    def __str__(self) -> str:
        """One sentence, without its full stop."""
        side = "faster" if self.faster else "slower"
        return (
            f"{show_share(self.threshold)} held for {show_duration(self.for_s)} is blind to leaks faster than "
            f"{self._speed(self.blind_above_per_s)}; this one grew by {self._speed(self.leak_per_s)}, which is {side}"
        )

    def _speed(self, per_s: float) -> str:
        speed = f"{_share(per_s * _MIN)} of the limit a minute"
        if self.time_scale == 1:
            return speed
        return f"{speed} (rehearsal: {_share(per_s * self.time_scale)} a second)"


def _share(ratio: float) -> str:
    """Three significant figures: a slow leak's speed is no round number."""
    return f"{ratio * 100:.3g} %"


def find_detection_limit(
    history: History, alert: ExpectedAlert, *, growth_per_s: Interval | None, limit_bytes: float, time_scale: float
) -> DetectionLimit | None:
    """The leaks `alert` cannot see; None when its rule is no comparison of memory with a limit or waits for nothing.

    Where several levels of the alert are meant, the one that sees most counts.

    Args:
        history: holds the thresholds of the rules.
        alert: the expected alert.
        growth_per_s: of memory in this drill, in bytes per rehearsal second; None when it did not grow.
        limit_bytes: above which the OOM killer acts.
        time_scale: rehearsal seconds are so much shorter.
    """
    leak_per_s = max(0.0, growth_per_s.estimate) / limit_bytes / time_scale if growth_per_s else 0.0
    rules = [
        DetectionLimit(e.ratio, e.for_s, leak_per_s, time_scale, e.index)
        for e in history.of(MemoryThreshold)
        if e.alert == alert.alert and meant(alert, e) and e.ratio is not None and e.for_s is not None
    ]
    if not growth_per_s or not rules or any(one.for_s <= 0 for one in rules):
        return None
    return max(rules, key=lambda one: one.blind_above_per_s)


def meant(alert: ExpectedAlert, rule: MemoryThreshold | SelectorMatches) -> bool:
    """Whether what is known of a rule contradicts none of the labels by which `alert` is named."""
    wanted = alert.labels.get("severity", rule.severity)
    return rule.severity in ("", wanted) or "{{" in rule.severity
