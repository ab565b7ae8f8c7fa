"""The alerts of a drill so far: which fired, whose notifications arrived, which are inhibited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.record.events import AlertInhibited, AlertTransition, Notification

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.record.event import Event
    from leakdrill.scenario.alerts import AlertName, ExpectedAlert


class AlertStates:
    """Subscribe `note` to the recorder.

    Args:
        delivery_observable: whether the arrival of notifications can be seen in this drill.
    """

    def __init__(self, *, delivery_observable: bool) -> None:
        self._delivery_observable = delivery_observable
        self._fired: list[Mapping[str, str]] = []
        self._delivered: list[Notification] = []
        self._inhibited: list[Mapping[str, str]] = []

    def note(self, event: Event) -> None:
        """Take one event in; quick, because the recording thread waits."""
        if AlertTransition.matches(event) and event.value == "firing":
            self._fired.append(AlertTransition.from_event(event).labels)
        elif Notification.matches(event) and event.value == "firing":
            self._delivered.append(Notification.from_event(event))
        elif AlertInhibited.matches(event):
            self._inhibited.append(AlertInhibited.from_event(event).labels)

    def has_fired(self, name: AlertName) -> bool:
        """Whether `name` has fired."""
        return any(name.matches(labels) for labels in list(self._fired))

    def delivered(self, alert: ExpectedAlert) -> bool:
        """Whether the notification of `alert` has arrived, at its receiver where the scenario names one.

        Nothing more comes of an alert that Alertmanager inhibits; nor, where no delivery can be seen, of one that
        fires.
        """
        if not self._delivery_observable:
            return self.has_fired(alert)
        return any(alert.matches(labels) for labels in list(self._inhibited)) or any(
            alert.matches(notification.labels) and alert.receiver in (None, notification.receiver)
            for notification in list(self._delivered)
        )
