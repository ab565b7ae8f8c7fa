"""A Prometheus that others already run: asked before the drill what it evaluates, and never changed.

Its clock may differ from ours. Its own `time()` says by how much, and its transitions are put on our clock.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leakdrill.alerting.prometheus_api import NoAnswer, PrometheusApi
from leakdrill.alerting.rules import AlertRule
from leakdrill.errors import BadInput
from leakdrill.record.events import Notice, ServerClock
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.record.recorder import Recorder
    from leakdrill.scenario.alerts import Alerts, ExpectedAlert

LOOK_BACK_S: Final = 300.0
"""Prometheus' own look-back: an alert that fired before the drill has left a sample in this time, or is over."""

POLL_EVERY_S: Final = 0.5
"""Others use this Prometheus too."""

_NAMED: Final = 20
_CLOCKS_AGREE_S: Final = 0.5


class WatchedPrometheus:
    """A running Prometheus at `url`, as it describes itself.

    Raises:
        BadInput: when no Prometheus answers at `url`.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._api = PrometheusApi(self.url)
        try:
            queried_s = time.time()
            (row,) = self._api.query("vector(time())")
            self.ahead_s = float(row["value"][1]) - (queried_s + time.time()) / 2
            self._groups = self._api.groups()
            self._active = self._api.query('ALERTS{alertstate="firing"}')
        except (NoAnswer, ValueError, LookupError, TypeError, AttributeError) as e:
            raise BadInput(
                f"alerts.prometheus: nothing at {self.url} answers as a Prometheus does: {e}",
                hint=f"curl {self.url}/api/v1/rules",
            ) from e
        finally:
            self._api.close()

    def rules_of(self, expected: Sequence[ExpectedAlert]) -> tuple[AlertRule, ...]:
        """The rules that can raise what is `expected`.

        Raises:
            BadInput: when there is none for one of them.
        """
        alerts = [(group, rule) for group in self._groups for rule in group["rules"] if rule["type"] == "alerting"]
        for index, one in enumerate(expected):
            if not any(rule["name"] == one.alert for _, rule in alerts):
                known = sorted({str(rule["name"]) for _, rule in alerts})
                listed = f"{', '.join(known[:_NAMED])}{', …' if len(known) > _NAMED else ''}" or "no alerting rule"
                raise BadInput(
                    f"alerts.expect[{index}]: the Prometheus at {self.url} has no rule {one.alert}; it has {listed}"
                )
        wanted = {one.alert for one in expected}
        return tuple(_rule(group, rule) for group, rule in alerts if rule["name"] in wanted)

    def remarks(self, alerts: Alerts) -> list[str]:
        """The facts that a person should know before the drill: clocks, intervals, and alerts that fire already."""
        return [*self._clocks(), *self._intervals(alerts), *self._firing()]

    def _clocks(self) -> list[str]:
        if abs(self.ahead_s) < _CLOCKS_AGREE_S:
            return []
        side = "ahead of" if self.ahead_s > 0 else "behind"
        return [f"the clock of {self.url} is {show_duration(abs(self.ahead_s))} {side} ours; its times were corrected"]

    def _intervals(self, alerts: Alerts) -> list[str]:
        names = {one.alert for one in alerts.expect}
        intervals = {
            float(group.get("interval") or 0)
            for group in self._groups
            if any(rule["name"] in names for rule in group["rules"])
        }
        configured = alerts.evaluation_interval
        return [
            f"{self.url} evaluates expected alerts every {show_duration(interval)}; the scenario says "
            f"alerts.evaluation_interval: {show_duration(configured)}"
            for interval in sorted(intervals - {configured})
        ]

    def _firing(self) -> list[str]:
        names = sorted({str(row["metric"].get("alertname", "?")) for row in self._active})
        return [f"already firing at {self.url}, so not counted: {', '.join(names)}"] if names else []


def note_remarks(watched: WatchedPrometheus, alerts: Alerts, recorder: Recorder) -> None:
    """Record each remark as a notice, and by how much the other clock is ahead."""
    recorder.record(ServerClock(watched.ahead_s))
    for remark in watched.remarks(alerts):
        recorder.record(Notice(remark))


def _rule(group: dict[str, Any], rule: dict[str, Any]) -> AlertRule:
    return AlertRule(
        name=str(rule["name"]),
        labels={str(key): str(value) for key, value in (rule.get("labels") or {}).items()},
        expr=str(rule["query"]),
        for_s=float(rule.get("duration") or 0),
        keep_firing_for_s=float(rule.get("keepFiringFor") or 0),
        group=str(group.get("name", "")),
        file=Path(str(group.get("file", "rules"))),
        line=0,
        interval_s=float(group.get("interval") or 0),
    )
