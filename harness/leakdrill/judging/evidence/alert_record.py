"""Whether what is told of alerts agrees: their states, Prometheus' counts, the notifications, the memory itself."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.alert_states import series_key, transitions
from leakdrill.judging.evidence.doubt import ALERTS, Doubt
from leakdrill.judging.evidence.readings import readings
from leakdrill.judging.evidence.sealed_record import is_sealed
from leakdrill.record.events import (
    AlertTransition,
    CgroupResources,
    MemoryThreshold,
    Notification,
    PodResources,
    PrometheusPoll,
    RuleError,
    SelectorMatches,
)
from leakdrill.units import show_duration, show_share

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leakdrill.record.history import History
    from leakdrill.scenario.alerts import Alerts
    from leakdrill.scenario.scenario import Scenario

_AFTER: Final[Mapping[str, frozenset[str]]] = {
    "pending": frozenset({"", "inactive", "resolved", "firing"}),
    "firing": frozenset({"", "inactive", "resolved", "pending"}),
    "resolved": frozenset({"firing"}),
    "inactive": frozenset({"pending"}),
}
"""The states from which an alert comes into each: `resolved` is the end of one that fired, `inactive` of another."""
_EVALUATIONS: Final = 1.5
_SOONER_S: Final = 1.0
_APART_S: Final = 1.0
_STALE_S: Final = 0.5
_LEAST_SHARE: Final = 0.9
_MOST_SHARE: Final = 1.05
_PUBLISHED: Final = ("container_", "node_", "DCGM_")
"""How the names of the series begin that are published as long as the target is there."""
_MEMORY: Final = "container_memory_"
_OWN_JOB: Final = "leakdrill"
_OWN_RECEIVER: Final = "drill"
"""The names that the drill's own configurations of Prometheus and Alertmanager have."""
_LOOPBACK: Final = "127.0.0.1"


def alert_doubts(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """What is told of alerts and cannot be: states out of order, notifications of nothing, a false expression."""
    yield from _states(history)
    yield from _waited(history, scenario.alerts)
    yield from _counted(history)
    yield from _notified(history, scenario.alerts)
    yield from _foreign(history, scenario)
    yield from _elsewhere(history, scenario)
    yield from _asked_for(history, scenario)
    yield from _selected_nothing(history)
    yield from _failing_rules(history)
    if scenario.alerts.prometheus is None and scenario.target.kind in ("process", "docker", "existing"):
        yield from _held(history, scenario)


def _about(text: str, *events: int) -> Doubt:
    return Doubt(text, events, frozenset({ALERTS}))


def _by_series(history: History) -> dict[frozenset[tuple[str, str]], list[AlertTransition]]:
    by_series: dict[frozenset[tuple[str, str]], list[AlertTransition]] = {}
    for event in transitions(history):
        by_series.setdefault(series_key(event), []).append(event)
    return by_series


def _states(history: History) -> Iterator[Doubt]:
    for events in _by_series(history).values():
        before = ""
        for event in events:
            if before not in _AFTER.get(event.state, ()):
                after = f"after `{before}`" if before else "as its first state"
                text = f"{_name(event)} came to be `{event.state}` {after} at {show_duration(event.when)}"
                yield _about(text, event.index)
                break
            before = event.state
        for earlier, later in pairwise(events):
            if earlier.t > later.t + _APART_S or earlier.when == later.when:
                text = f"{_name(later)} changed its state in another order than it was seen"
                yield _about(text, earlier.index, later.index)
                break


def _name(event: AlertTransition | Notification) -> str:
    severity = event.labels.get("severity")
    return f"{event.labels.get('alertname', '?')}{f' ({severity})' if severity else ''}"


def _for_s(history: History, alerts: Alerts) -> dict[tuple[str, str], float]:
    """The rule's `for` in rehearsal time, of each alert on memory; of several levels the shortest."""
    waits: dict[tuple[str, str], float] = {}
    for event in history.of(MemoryThreshold):
        if event.for_s is not None:
            key = (event.alert, event.severity)
            waits[key] = min(event.for_s / alerts.time_scale, waits.get(key, np.inf))
    return waits


def _waited(history: History, alerts: Alerts) -> Iterator[Doubt]:
    """Alerts that fired before their rule's `for` was over."""
    waits, slack_s = _for_s(history, alerts), _EVALUATIONS * alerts.evaluation_interval
    for events in _by_series(history).values():
        labels = events[0].labels
        wait_s = waits.get((labels.get("alertname", ""), labels.get("severity", "")), 0.0)
        pending_s: float | None = None
        for event in events if wait_s > slack_s else ():
            waited_s = 0.0 if pending_s is None else event.when - pending_s
            began_before = event is events[0] and event.when <= 0
            if event.state == "firing" and waited_s < wait_s - slack_s and not began_before:
                yield _about(
                    f"{_name(event)} fired after it had been pending for {show_duration(waited_s)}; its rule waits "
                    f"{show_duration(wait_s)}",
                    event.index,
                )
                break
            pending_s = event.when if event.state == "pending" else None


def _counted(history: History) -> Iterator[Doubt]:
    """Prometheus' own counts of alerts against the transitions up to then."""
    states: dict[frozenset[tuple[str, str]], str] = {}
    polls = {event.index: event for event in history.of(PrometheusPoll)}
    changes = {event.index: event for event in history.of(AlertTransition)}
    for index in sorted(polls.keys() | changes.keys()):
        if index in changes:
            states[series_key(changes[index])] = changes[index].state
            continue
        poll = polls[index]
        for state, counted in (("firing", poll.alerts_firing), ("pending", poll.alerts_pending)):
            told = list(states.values()).count(state)
            if counted is not None and counted != told:
                when = show_duration(poll.t)
                yield _about(f"Prometheus had {counted:g} alerts {state} at {when}, and the record tells {told}", index)
                return


def _notified(history: History, alerts: Alerts) -> Iterator[Doubt]:
    """Notifications of what did not fire, or at another time."""
    if alerts.prometheus is not None:
        return
    by_series, apart_s = _by_series(history), _APART_S + alerts.evaluation_interval
    for event in history.of(Notification):
        events = by_series.get(frozenset(event.labels.items()), [])
        if event.status == "firing" and event.at is not None:
            near = [e for e in events if e.state == "firing" and abs(e.when - event.when) <= apart_s]
        else:
            wanted = "firing" if event.status == "firing" else "resolved"
            near = [e for e in events if e.state == wanted and e.when <= event.t + apart_s]
        if not near:
            yield _about(
                f"at {show_duration(event.t)} somebody was told that {_name(event)} is {event.status}, and Prometheus "
                "knows nothing of it",
                event.index,
            )
            return


def _foreign(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Alerts of another container than the drill's target."""
    if scenario.alerts.prometheus is not None or scenario.target.kind == "kubernetes":
        return
    labels = {**scenario.target.labels, "container": scenario.target.name}
    told: list[AlertTransition | Notification] = [*history.of(AlertTransition), *history.of(Notification)]
    for event in told:
        other = [name for name, value in labels.items() if event.labels.get(name, value) != value]
        if other:
            yield _about(
                f"{_name(event)} is about the {other[0]} {event.labels[other[0]]}; the drill's is {labels[other[0]]}",
                event.index,
            )
            return


def _elsewhere(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Alerts of the drill's own Prometheus that come from another job, machine, pod or receiver than it knows."""
    if scenario.alerts.prometheus is not None or not is_sealed(history):
        return
    undated = [event for event in history.of(AlertTransition) if event.at is None]
    if undated:
        yield _about(f"the record does not say when {_name(undated[0])} was evaluated", undated[0].index)
    jobs = {job for event in history.of(SelectorMatches) for job in event.jobs.split(",") if job}
    pods = {event.pod for event in history.of(PodResources)}
    told: list[AlertTransition | Notification] = [*history.of(AlertTransition), *history.of(Notification)]
    for event in told:
        labels = event.labels
        ours = labels.get("job") == _OWN_JOB and not labels.get("instance", _LOOPBACK).startswith(_LOOPBACK)
        strange = {
            "job": bool(jobs) and "job" in labels and labels["job"] not in jobs,
            "instance": ours,
            "pod": bool(pods) and labels.get("pod", min(pods)) not in pods,
        }
        name = next((name for name, is_so in strange.items() if is_so), "")
        if name:
            yield _about(
                f"{_name(event)} is about the {name} {labels.get(name)}, of which nothing was read", event.index
            )
            return
    known = {_OWN_RECEIVER, *(one.receiver for one in scenario.alerts.expect)}
    receivers = [e for e in history.of(Notification) if scenario.alerts.routing is None and e.receiver not in known]
    if receivers and scenario.alerts.alertmanager is None:
        text = f"{_name(receivers[0])} was sent to {receivers[0].receiver or 'nobody'}, and the drill receives at"
        yield _about(f"{text} {_OWN_RECEIVER}", receivers[0].index)


def _asked_for(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Rules on memory of which no selector is told, or none that selects anything."""
    if scenario.alerts.prometheus is not None or not is_sealed(history) or not scenario.alerts.evaluated:
        return
    told = history.of(SelectorMatches)
    missing = sorted({event.alert for event in history.of(MemoryThreshold)} - {event.alert for event in told})
    if missing:
        yield _about(f"the record does not tell what the rule of {missing[0]} selects")
    of_target = [e for e in told if e.selector.startswith(_MEMORY) and not e.error]
    if of_target and not any(event.series for event in of_target):
        yield _about("no rule on memory selects anything", of_target[0].index)


def _selected_nothing(history: History) -> Iterator[Doubt]:
    """Alerts that fired although their rule selected nothing that could make them."""
    firing = [event for event in history.of(AlertTransition) if event.state == "firing"]
    fired = {event.labels.get("alertname", ""): event for event in firing}
    selectors: dict[str, list[SelectorMatches]] = {}
    for event in history.of(SelectorMatches):
        selectors.setdefault(event.alert, []).append(event)
    for alert, of_alert in selectors.items():
        published = [e for e in of_alert if e.selector.startswith(_PUBLISHED)]
        if alert in fired and published and not any(e.series for e in published):
            yield _about(f"{alert} fired, though its rule selected no series", fired[alert].index, published[0].index)


def _failing_rules(history: History) -> Iterator[Doubt]:
    errors = history.of(RuleError)
    for event in history.of(PrometheusPoll):
        if event.rules_failing and not any(error.t <= event.t for error in errors):
            yield _about(f"Prometheus could not evaluate a rule at {show_duration(event.t)}", event.index)
            return


@dataclass(frozen=True, slots=True)
class _Shares:
    """Memory as a share of its limit: the most that a rule may compare, and the least."""

    t: np.typing.NDArray[np.float64]
    most: np.typing.NDArray[np.float64]
    least: np.typing.NDArray[np.float64]

    def between(self, start_s: float, end_s: float) -> _Shares:
        keep = (self.t >= start_s) & (self.t <= end_s)
        return _Shares(self.t[keep], self.most[keep], self.least[keep])


def _shares(history: History, scenario: Scenario) -> _Shares:
    names, rows = ("usage_bytes", "working_set_bytes", "anon_bytes"), []
    for event in readings(history, CgroupResources):
        limit = event.values.get("limit_bytes") or scenario.target.limits.memory
        amounts = [event.values[name] for name in names if name in event.values]
        if limit and amounts:
            rows.append((event.t, max(amounts) / limit, min(amounts) / limit))
    columns = np.array(rows, dtype=float).reshape(len(rows), 3)
    return _Shares(columns[:, 0], columns[:, 1], columns[:, 2])


def _held(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Alerts on memory that came while it was below their threshold, or went while it was above."""
    on_memory = {e.alert for e in history.of(SelectorMatches) if e.selector.startswith(_MEMORY)}
    ratios: dict[tuple[str, str], list[float]] = {}
    for threshold in history.of(MemoryThreshold):
        if threshold.ratio is not None and threshold.alert in on_memory:
            ratios.setdefault((threshold.alert, threshold.severity), []).append(threshold.ratio)
    shares = _shares(history, scenario)
    late_s = scenario.alerts.scrape_interval + scenario.alerts.evaluation_interval + _STALE_S
    for event in history.of(AlertTransition):
        known = ratios.get((event.labels.get("alertname", ""), event.labels.get("severity", "")))
        part = shares.between(event.when - late_s, event.when + scenario.alerts.evaluation_interval)
        if not known or not len(part.t):
            continue
        came, went = event.state in ("pending", "firing"), event.state in ("resolved", "inactive")
        most, least = float(part.most.max()), float(part.least.min())
        if came and most < _LEAST_SHARE * min(known):
            seen = f"and memory stood at {show_share(most)} of its limit, below {show_share(min(known))}"
        elif went and least > _MOST_SHARE * max(known):
            seen = f"and memory stood at {show_share(least)} of its limit, above {show_share(max(known))}"
        else:
            continue
        yield _about(f"{_name(event)} came to be `{event.state}` at {show_duration(event.when)}, {seen}", event.index)
        return
