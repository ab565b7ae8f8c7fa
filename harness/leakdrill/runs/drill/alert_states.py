"""What has come of the alerts that a drill waits for: which fired, and whose notification arrived.

Only what can be asked for is kept: a drill may last for days, and alerts come with the names of pods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.record.events import AlertInhibited, AlertTransition, Notification

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.record.event import Event
    from leakdrill.scenario.alerts import AlertName, ExpectedAlert
    from leakdrill.scenario.scenario import Scenario


class AlertStates:
    """Subscribe `note` to the recorder; then the alerts that `scenario` names can be asked for."""

    def __init__(self, scenario: Scenario) -> None:
        self._delivery_observable = scenario.alerts.delivery_observable
        self._expected = scenario.alerts.expect
        self._named: list[AlertName] = [*self._expected, *(step.on for step in scenario.steps if step.on)]
        self._fired: set[str] = set()
        self._delivered: set[tuple[str, str | None]] = set()

    def note(self, event: Event) -> None:
        """Take one event in; quick, because the recording thread waits."""
        if AlertTransition.matches(event) and event.value == "firing":
            self._note_fired(AlertTransition.from_event(event).labels)
        elif Notification.matches(event) and event.value == "firing":
            notification = Notification.from_event(event)
            self._note_delivered(notification.labels, notification.receiver)
        elif AlertInhibited.matches(event):
            self._note_delivered(AlertInhibited.from_event(event).labels, None)

    def has_fired(self, name: AlertName) -> bool:
        """Whether `name` has fired."""
        return str(name) in self._fired

    def delivered(self, alert: ExpectedAlert) -> bool:
        """Whether the notification of `alert` has arrived, at its receiver where the scenario names one.

        Nothing more comes of an alert that Alertmanager inhibits; nor, where no delivery can be seen, of one that
        fires.
        """
        if not self._delivery_observable:
            return self.has_fired(alert)
        return (str(alert), alert.receiver) in self._delivered

    def _note_fired(self, labels: Mapping[str, str]) -> None:
        self._fired.update(str(name) for name in self._named if name.matches(labels))

    def _note_delivered(self, labels: Mapping[str, str], receiver: str | None) -> None:
        """Take note of a delivery to `receiver`; None where there will be none."""
        for alert in self._expected:
            if alert.matches(labels) and (receiver is None or alert.receiver in (None, receiver)):
                self._delivered.add((str(alert), alert.receiver))
