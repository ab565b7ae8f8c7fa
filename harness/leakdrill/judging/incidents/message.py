"""What a message to a channel says when an alert fires: filled from the record, as of that moment."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from leakdrill.judging.evidence.alert_states import first_firing, transitions
from leakdrill.judging.evidence.windows import alerts_watched_from_s
from leakdrill.judging.incidents.fact import Fact, unknown
from leakdrill.judging.incidents.measure import resource_of, threshold_of, value_of
from leakdrill.record.events import LoadRequests
from leakdrill.scenario.alerts import AlertName
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from leakdrill.judging.incidents.recorded import RecordedRun
    from leakdrill.record.events import AlertTransition


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """What a channel is told when an alert fires.

    Attributes:
        severity: the level of the alert.
        alert: its name.
        service: what it is about.
        resource: what runs out.
        value: its level at that moment.
        threshold: from which level on the rule matches, and for how long.
        started: when the alert fired, in UTC.
        impact: the requests that had failed since the leak began.
        action: the first change that was made after it.
        expected_recovery: how soon the alert is to clear.
        next_update: when the channel hears of it again.
    """

    severity: str
    alert: str
    service: str
    resource: Fact
    value: Fact
    threshold: Fact
    started: Fact
    impact: Fact
    action: Fact
    expected_recovery: Fact
    next_update: Fact

    def as_dict(self) -> dict[str, Any]:
        """The facts as data for machines."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {key: value.as_dict() if isinstance(value, Fact) else value for key, value in values.items()}


def alert_messages(run: RecordedRun, *, update_every_s: float | None) -> dict[str, AlertMessage]:
    """One message for each severity at which an alert of the run fired, by severity, in the order of their firing."""
    names = {alert.alert for alert in run.scenario.alerts.expect}
    if run.rehearsal is not None:
        names = {run.rehearsal.alert.alert}
    began_s, until_s = alerts_watched_from_s(run.history, run.scenario), run.until_s()
    if began_s is None:
        return {}
    every = [e for e in transitions(run.history) if e.labels.get("alertname") in names]
    firing = []
    for severity in dict.fromkeys(e.labels.get("severity", "") for e in every):
        fired = first_firing([e for e in every if e.labels.get("severity", "") == severity], began_s)
        if fired is not None and (until_s is None or fired.when <= until_s):
            firing.append(fired)
    firing.sort(key=lambda e: e.when)
    return {e.labels.get("severity", ""): _message(run, e, began_s, update_every_s) for e in firing}


def _message(run: RecordedRun, fired: AlertTransition, began_s: float, update_every_s: float | None) -> AlertMessage:
    return AlertMessage(
        severity=fired.labels.get("severity", ""),
        alert=fired.labels.get("alertname", ""),
        service=run.scenario.target.name,
        resource=resource_of(run, fired),
        value=value_of(run, fired),
        threshold=threshold_of(run, fired),
        started=Fact(run.at(fired.when), fired.when),
        impact=failed_requests(run, began_s, fired.when),
        action=_action(run, fired.when),
        expected_recovery=_expected_recovery(run, fired),
        next_update=_next_update(run, fired.when, update_every_s),
    )


def failed_requests(run: RecordedRun, from_s: float, until_s: float) -> Fact:
    """The requests between two moments and those of them that failed, by Locust's reports around them."""
    reports = [e for e in run.history.of(LoadRequests) if e.requests is not None]
    before = [e for e in reports if e.t <= from_s][-1:]
    after = [e for e in reports if e.t >= until_s][:1] or reports[-1:]
    if not before or not after or after[0].t <= before[0].t:
        return unknown("the load did not report its requests in that time")
    count = (after[0].requests or 0) - (before[0].requests or 0)
    failed = (after[0].failures or 0) - (before[0].failures or 0)
    return Fact(f"{failed:,.0f} of {count:,.0f} requests failed", failed)


def _action(run: RecordedRun, fired_s: float) -> Fact:
    later = [(text, change) for text, change in run.changes() if change.start_s >= fired_s]
    if not later:
        return Fact("none: nothing was changed after it fired")
    text, change = later[0]
    return Fact(f"{text}, at {run.at(change.start_s)}", change.start_s)


def _expected_recovery(run: RecordedRun, fired: AlertTransition) -> Fact:
    expected = next((alert for alert in run.scenario.alerts.expect if alert.matches(fired.labels)), None)
    if expected is None:
        labels = {key: fired.labels[key] for key in ("severity",) if key in fired.labels}
        name = AlertName(alert=fired.labels.get("alertname", "?"), labels=labels)
        return unknown(f"the scenario does not say how soon {name} is to clear")
    within = show_duration(expected.resolves_within)
    return Fact(f"at most {within} after the last step", expected.resolves_within)


def _next_update(run: RecordedRun, fired_s: float, update_every_s: float | None) -> Fact:
    if update_every_s is None:
        return unknown("the record holds no plan of updates; `--update-every` gives one")
    return Fact(run.at(fired_s + update_every_s), fired_s + update_every_s)
