"""Watches the alerting that staging has, in the place of a drill's own servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.alerting.inhibited import InhibitionPoller
from leakdrill.alerting.routed import RouteNotes
from leakdrill.alerting.states import AlertPoller
from leakdrill.alerting.watched import LOOK_BACK_S, POLL_EVERY_S, WatchedPrometheus, note_remarks
from leakdrill.alerting.watched_delivery import DeliveryWatcher

if TYPE_CHECKING:
    from leakdrill.record.recorder import Recorder
    from leakdrill.scenario.alerts import Alerts


GIVES_UP_AFTER_S: Final = 10.0
"""The longest time without Prometheus that a drill survives; after a longer one none of its claims can be judged."""


class Watching:
    """The Prometheus and the Alertmanager that `alerts` names, looked at until `stop`.

    Attributes:
        url: where Prometheus answers.
        rules: its rules of the expected alerts.
        poller: knows the states of its alerts.

    Raises:
        BadInput: when one of them does not answer, or an expected alert has no rule there.
    """

    def __init__(self, url: str, alerts: Alerts, recorder: Recorder) -> None:
        self._alerts = alerts
        self._recorder = recorder
        self._prometheus = WatchedPrometheus(url)
        self.url = self._prometheus.url
        self.rules = self._prometheus.rules_of(alerts.expect)
        ahead_s = self._prometheus.ahead_s
        self.poller = AlertPoller(
            self.url,
            recorder,
            every_s=POLL_EVERY_S,
            look_back_s=LOOK_BACK_S,
            ahead_s=ahead_s,
            only={one.alert for one in alerts.expect},
        )
        self._delivery: DeliveryWatcher | None = None
        self._inhibited: InhibitionPoller | None = None
        if alerts.alertmanager is not None:
            self._delivery = DeliveryWatcher(alerts.alertmanager, recorder, ahead_s=ahead_s)
            self._delivery.check()
            routes = RouteNotes(self._delivery.tree, recorder) if self._delivery.tree else None
            self._inhibited = InhibitionPoller(alerts.alertmanager, recorder, reports=False, routes=routes)

    def start(self) -> None:
        """Begin to look; what a person should know is in the record first."""
        note_remarks(self._prometheus, self._alerts, self._recorder)
        self.poller.start()
        if self._delivery and self._inhibited:
            self._delivery.start()
            self._inhibited.start()

    def alive(self) -> bool:
        """Whether Prometheus has answered lately."""
        return self.poller.silent_s() < GIVES_UP_AFTER_S

    def stop(self) -> None:
        """Stop looking. May be called again."""
        self.poller.stop()
        if self._delivery and self._inhibited:
            self._delivery.stop()
            self._inhibited.stop()
