"""Good records, changed in one place each by a rule: every field of every meter, every alert, every phase.

What must come of each is not said here but kept in `verdict_texts/`, sentence by sentence, for a person to read.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from histories import MIB, Record, complete, drill, leaking, plan
from test_gpu_checks import card, tenant
from test_gpu_checks import scenario as card_plan
from test_torch_checks import DEVICE, held, said
from test_torch_checks import leaking as torch_leaking

from leakdrill.judging.drill import judge
from leakdrill.record.events import (
    AlertmanagerPoll,
    AlertTransition,
    GpuXid,
    LoadErrors,
    Notification,
    PrometheusPoll,
    RuleError,
    TargetExited,
    TargetRestart,
    WorkerLost,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.event import Event
    from leakdrill.scenario.scenario import Scenario

    Change = Callable[[float, float, float], float]

MACHINE = {"memory_bytes": 16 * 1024**3, "cpus": 2}


def memory() -> tuple[Record, Scenario]:
    return complete(drill()), plan(expect={"step_errors": "10%"})


def disk() -> tuple[Record, Scenario]:
    filled = drill(lambda _t: 60.0 * MIB, disk=lambda t: 4 * MIB + (8192 * 100 * (t - 15) if 15 <= t < 55.5 else 0))
    return complete(filled), plan(leaks=[{"name": "cache", "resource": "disk", "per_request": "8KiB"}])


def gpu() -> tuple[Record, Scenario]:
    return complete(card()), card_plan()


def torch() -> tuple[Record, Scenario]:
    return held(said(drill(lambda _t: 60.0 * MIB), torch_leaking(), torch_leaking())), DEVICE


BASES: dict[str, Callable[[], tuple[Record, Scenario]]] = {"memory": memory, "disk": disk, "gpu": gpu, "torch": torch}

CHANGES: dict[str, Change] = {
    "twice as much from 30 s on": lambda t, value, _then: value * 2 if t >= 30 else value,
    "as it was from 30 s on": lambda t, value, then: then if t >= 30 else value,
    "nothing from 60 s on": lambda t, value, _then: 0.0 if t >= 60 else value,
    "a little more after the step": lambda t, value, _then: value * 1.08 if t >= 55.5 else value,
}


def thinned(record: Record) -> Record:
    """Two readings a second are enough."""
    record.events = [e for e in record.events if e.kind != "sample" or isinstance(e.value, float | int | str | None)
                     or round(e.t * 10) % 5 == 0]  # fmt: skip
    return record


@cache
def _made(base: str) -> tuple[tuple[Event, ...], Scenario]:
    record, scenario = BASES[base]()
    return tuple(thinned(record).events), scenario


def thin(base: str) -> tuple[Record, Scenario]:
    """A base with two readings a second, and its scenario."""
    events, scenario = _made(base)
    record = Record()
    record.events = list(events)
    return record, scenario


def changed(record: Record, source: str, name: str, field: str, change: Change) -> Record:
    """`record` whose readings of `field` are what `change` says of time, value, and value at 30 s."""
    read = [e for e in record.events if (e.source, e.name) == (source, name) and isinstance(e.value, dict)]
    then = next((e.value[field] for e in read if e.t >= 30 and field in e.value), 0.0)

    def new(event: Event) -> Any:
        if not isinstance(event.value, dict) or not isinstance(event.value.get(field), float):
            return event.value
        return event.value | {field: change(event.t, event.value[field], then)}

    return record.change(source, name, new)


def fields(base: str) -> list[tuple[str, str, str]]:
    """Every field of every meter of a base."""
    found: dict[tuple[str, str, str], None] = {}
    for event in thin(base)[0].events:
        if event.kind == "sample" and isinstance(event.value, dict):
            found.update({(event.source, event.name, field): None for field in event.value})
    return list(found)


def judged(record: Record, scenario: Scenario) -> None:
    """Judge it: the verdicts are compared by the fixture that every unit test has."""
    assert not [v.message for v in judge(record.history(), scenario, MACHINE) if "itself broke" in v.message]


OWN = {
    "memory": {"cgroup", "process", "load", "prometheus"},
    "disk": {"filesystem"},
    "gpu": {"gpu"},
    "torch": {"torch"},
}
PLACES = [(base, *place) for base in BASES for place in fields(base) if place[0] in OWN[base]]
CASES = [(*place, list(CHANGES)[number % len(CHANGES)]) for number, place in enumerate(PLACES)]


@pytest.mark.parametrize(("base", "source", "name", "field", "change"), CASES)
def test_a_field_of_a_meter_is_changed(base: str, source: str, name: str, field: str, change: str) -> None:
    record, scenario = thin(base)
    judged(changed(record, source, name, field, CHANGES[change]), scenario)


@pytest.mark.parametrize(("after", "until"), [(20.0, 26.0), (54.0, 58.0), (64.0, 80.0)])
@pytest.mark.parametrize(
    ("base", "source"),
    [
        ("memory", "cgroup"), ("memory", "process"), ("memory", "load"), ("memory", "prometheus"), ("memory", "step"),
        ("memory", "leak"), ("disk", "filesystem"), ("gpu", "gpu"), ("torch", "torch"),
    ],
)  # fmt: skip
def test_a_meter_is_gone(base: str, source: str, after: float, until: float) -> None:
    record, scenario = thin(base)
    judged(record.drop(source, after=after, until=until), scenario)


@pytest.mark.parametrize(
    ("pending", "firing", "resolved", "notified"),
    [
        (14.0, 19.0, 58.0, 21.0),
        (15.0, 15.0, 58.0, 17.0),
        (40.0, 45.0, 58.0, 46.0),
        (40.0, 45.1, 58.0, 46.0),
        (30.0, 35.0, 70.0, 37.0),
        (30.0, 35.0, 54.0, 37.0),
        (30.0, 35.0, None, 37.0),
        (30.0, 35.0, 58.0, None),
        (30.0, 35.0, 58.0, 34.0),
        (30.0, 35.0, 58.0, 69.0),
        (30.0, None, None, None),
        (None, 35.0, 58.0, 37.0),
        (None, None, None, None),
    ],
)
def test_an_alert_is_early_late_or_missing(
    pending: float | None, firing: float | None, resolved: float | None, notified: float | None
) -> None:
    record, scenario = thin("memory")
    record.drop("prometheus", "alert").drop("alertmanager")
    for t, state in ((pending, "pending"), (firing, "firing"), (resolved, "resolved")):
        if t is not None:
            record.alert(t + 0.2, state, at=t)
    labels = {"alertname": "HighMemoryUsage", "severity": "warning"}
    if notified is not None and firing is not None:
        record.sample(notified, Notification("firing", at=firing, receiver="pager", labels=labels))
    if resolved is not None:
        record.sample(resolved + 1, Notification("resolved", at=resolved, receiver="pager", labels=labels))
    judged(record, scenario)


MORE: dict[str, Callable[[Record], object]] = {
    "the alert fires again": lambda r: r.alert(62.2, "firing", at=62),
    "the alert fires again at the end": lambda r: r.alert(70.9, "firing", at=70.8),
    "another severity": lambda r: r.sample(
        36, AlertTransition("firing", labels={"alertname": "HighMemoryUsage", "severity": "critical"}, at=36)
    ),
    "another alert": lambda r: r.sample(
        36, AlertTransition("firing", labels={"alertname": "HighCpu", "severity": "warning"}, at=36)
    ),
    "another alert before": lambda r: r.sample(
        4, AlertTransition("firing", labels={"alertname": "HighCpu", "severity": "warning"}, at=4)
    ),
    "another alert, twice": lambda r: [
        r.sample(t, AlertTransition(state, labels={"alertname": "HighCpu", "severity": "warning"}, at=t))
        for t, state in ((20, "firing"), (25, "resolved"), (30, "firing"))
    ],
    "a rule that cannot be evaluated": lambda r: r.sample(20, RuleError("too many samples", rule="HighMemoryUsage")),
    "Prometheus is down for a while": lambda r: [r.sample(t, PrometheusPoll(up=0.0)) for t in (30, 31, 32, 33, 34)],
    "Alertmanager is down": lambda r: [r.sample(t, AlertmanagerPoll(error="refused")) for t in range(30, 40)],
    "an early notification": lambda r: r.sample(36, Notification("firing", at=35, receiver="other", labels={})),
    "a worker is lost": lambda r: r.sample(40, WorkerLost(1.0, wanted="2")),
    "errors by their kind": lambda r: r.sample(40, LoadErrors(method="GET", request="/", error="500", count=50.0)),
    "the target ends in the load": lambda r: r.sample(40, TargetExited(-9.0, oom_kill="true")),
    "the target ends at the step": lambda r: r.sample(55.4, TargetExited(-9.0)),
    "the target ends in the recovery": lambda r: r.sample(60, TargetExited(1.0)),
    "the target is restarted": lambda r: r.act(TargetRestart(), 40, 41),
    "the target is restarted in the recovery": lambda r: r.act(TargetRestart(), 60, 61, "failed", error="no"),
}


@pytest.mark.parametrize("more", MORE)
def test_something_more_happens(more: str) -> None:
    record, scenario = thin("memory")
    MORE[more](record)
    judged(record, scenario)


@pytest.mark.parametrize("share", [0.0099, 0.01, 0.0101, 0.05, 1.0])
@pytest.mark.parametrize("since", [15.0, 55.0])
def test_requests_fail(share: float, since: float) -> None:
    record, scenario = thin("memory")
    judged(changed(record, "load", "requests", "failures",
                   lambda t, _value, _then: max(0.0, (t - since) * 100) * share), scenario)  # fmt: skip


@pytest.mark.parametrize("p99", [50.0, 999.0, 1000.0, 1001.0])
def test_answers_are_slow(p99: float) -> None:
    record, scenario = thin("memory")
    judged(changed(record, "load", "requests", "p99_ms",
                   lambda t, value, _then: p99 if t >= 30 else value), scenario)  # fmt: skip


@pytest.mark.parametrize("left", [0.049, 0.05, 0.051, 0.101, 0.2, 0.89, 0.91])
def test_a_part_of_the_leak_stays(left: float) -> None:
    scenario = thin("memory")[1]
    peak = leaking(55.4) - leaking(10)
    judged(thinned(complete(drill(lambda t: leaking(t) + (peak * left if t >= 55.5 else 0)))), scenario)


@pytest.mark.parametrize("times", [0.2, 0.49, 0.51, 1.99, 2.01])
def test_the_leak_has_another_size(times: float) -> None:
    scenario = thin("memory")[1]
    judged(thinned(complete(drill(lambda t: leaking(10) + times * (leaking(t) - leaking(10))))), scenario)


@pytest.mark.parametrize("per_s", [-1.0, 0.05, 0.5])
@pytest.mark.parametrize("since", [5.0, 56.0])
def test_memory_goes_on_by_itself(per_s: float, since: float) -> None:
    scenario = thin("memory")[1]
    judged(thinned(complete(drill(lambda t: leaking(t) + max(0.0, t - since) * per_s * MIB))), scenario)


@pytest.mark.parametrize("phase", ["setup", "warmup", "baseline", "load", "mitigate", "recover", "teardown"])
def test_a_phase_is_missing(phase: str) -> None:
    record, scenario = thin("memory")
    acts = {e.labels.get("act") for e in record.events if e.name == "phase" and e.labels.get("phase") == phase}
    record.events = [e for e in record.events if e.name != "phase" or e.labels.get("act") not in acts]
    judged(record, scenario)


@pytest.mark.parametrize("others", [0.02, 0.051, 0.5])
def test_another_process_is_on_the_card(others: float) -> None:
    judged(thinned(complete(card(others=lambda t: tenant(t) * others))), card_plan())


@pytest.mark.parametrize("xid", [13.0, 79.0, 999.0])
def test_the_card_reports_an_error(xid: float) -> None:
    record, scenario = thin("gpu")
    judged(record.sample(40, GpuXid(xid, device_key="gpu0")), scenario)
