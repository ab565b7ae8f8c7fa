"""The lanes of a drill's timeline: the states of each alert, and what was delivered to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.judging.evidence.alert_states import series_key, transitions, unanswered
from leakdrill.judging.evidence.windows import Span, watched_until_s
from leakdrill.record.events import AlertInhibited, AlertSilenced, Notification
from leakdrill.reports.page.timeline import Delivery, Lane, Stretch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leakdrill.record.events import AlertTransition
    from leakdrill.record.history import History
    from leakdrill.reports.page.timeline import LaneState
    from leakdrill.scenario.alerts import Alerts
    from leakdrill.scenario.scenario import Scenario


def alert_lanes(history: History, scenario: Scenario) -> tuple[Lane, ...]:
    """A lane for each alert that is expected, or was not silent: the expected ones first, then as they came."""
    alerts = scenario.alerts
    if not alerts.evaluated:
        return ()
    seen: dict[str, list[AlertTransition]] = {}
    for event in transitions(history):
        seen.setdefault(_name(event.labels), []).append(event)
    came = [event.labels for events in seen.values() for event in events]
    missing = [str(alert) for alert in alerts.expect if not any(alert.matches(labels) for labels in came)]
    unknown = _unknown(history, alerts)
    lanes = [_lane(history, name, events, alerts, unknown) for name, events in seen.items()]
    silent = [Lane(name=name, role="expected", stretches=unknown) for name in missing]
    return tuple(sorted([*silent, *lanes], key=lambda lane: lane.role != "expected"))


def _lane(
    history: History, name: str, events: Sequence[AlertTransition], alerts: Alerts, unknown: tuple[Stretch, ...]
) -> Lane:
    labels = [event.labels for event in events]
    role = ""
    if any(alert.matches(one) for alert in alerts.expect for one in labels):
        role = "expected"
    elif any(alert.matches(one) for alert in alerts.may_fire for one in labels):
        role = "may fire"
    return Lane(
        name=name,
        role=role,
        stretches=(*_stretches(events, history.end_s), *unknown),
        deliveries=tuple(sorted(_deliveries(history, name), key=lambda one: one.at)),
    )


def _stretches(events: Sequence[AlertTransition], end_s: float) -> Iterator[Stretch]:
    """The states of an alert with several series: firing while one fires, else pending while one is."""
    states: dict[frozenset[tuple[str, str]], str] = {}
    state: LaneState | None = None
    since_s = 0.0
    for event in events:
        states[series_key(event)] = event.state
        now = _worst(states)
        if now != state:
            if state is not None and event.when > since_s:
                yield Stretch(state=state, start=since_s, end=event.when)
            state, since_s = now, event.when
    if state is not None and end_s > since_s:
        yield Stretch(state=state, start=since_s, end=end_s, ends=False)


def _worst(states: Mapping[frozenset[tuple[str, str]], str]) -> LaneState | None:
    if "firing" in states.values():
        return "firing"
    return "pending" if "pending" in states.values() else None


def _unknown(history: History, alerts: Alerts) -> tuple[Stretch, ...]:
    """Where nobody knows the alerts' states, between the baseline and the end of the watch."""
    baseline = history.phase("baseline")
    if baseline is None:
        return ()
    silences = unanswered(history, alerts, Span(baseline[0], watched_until_s(history)))
    return tuple(Stretch(state="unknown", start=one.start_s, end=one.end_s) for one in silences)


def _deliveries(history: History, name: str) -> Iterator[Delivery]:
    """What reached a receiver is dated by our clock; `at` is when the alert began or ended."""
    for sent in history.of(Notification):
        if _name(sent.labels) == name:
            yield Delivery(at=sent.t, label=f"{sent.status} delivered to {sent.receiver or 'a receiver'}")
    for inhibited in history.of(AlertInhibited):
        if _name(inhibited.labels) == name:
            yield Delivery(at=inhibited.t, label=f"held back by {inhibited.by}")
    for silenced in history.of(AlertSilenced):
        if _name(silenced.labels) == name:
            yield Delivery(at=silenced.t, label="held back by a silence")


def _name(labels: Mapping[str, str]) -> str:
    severity = labels.get("severity", "")
    return labels.get("alertname", "?") + (f" ({severity})" if severity else "")
