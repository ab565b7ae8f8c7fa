"""Alerts of two sets of rules that are the same one, and what people call it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.alerting.rules import AlertRule


class OfAlert(Protocol):
    """Something that is told of one alert."""

    @property
    def alert(self) -> AlertRule:
        """The rule."""


Told = TypeVar("Told", bound=OfAlert)


def title_of(alert: AlertRule) -> str:
    """Returns the name and the severity of an alert."""
    severity = alert.labels.get("severity", "")
    return f"{alert.name}{f' ({severity})' if severity else ''}"


def counterpart(one: OfAlert, others: Sequence[Told]) -> Told | None:
    """Returns what is told of the alert of the same name and labels; else of the only one of the name, if there is."""
    named = [other for other in others if other.alert.name == one.alert.name]
    same = [other for other in named if dict(other.alert.labels) == dict(one.alert.labels)]
    return next(iter(same or (named if len(named) == 1 else [])), None)
