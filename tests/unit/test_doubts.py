"""What contradicts what in a record, moment by moment: just within what may be, and just beyond.

Each record is one that nobody doubts, changed in one place. The doubts are kept in `verdict_texts/`, as verdicts are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from histories import ALERT, MIB, Record, drill, plan, requests_at
from test_varied_records import thin

from leakdrill.judging.doubted import find_doubts
from leakdrill.judging.evidence.agreement import agreement_doubts
from leakdrill.judging.evidence.alert_record import alert_doubts
from leakdrill.judging.evidence.doubt import Doubt
from leakdrill.judging.evidence.in_doubt import in_doubt
from leakdrill.judging.evidence.lives import life_doubts
from leakdrill.judging.evidence.meter_presence import presence_doubts
from leakdrill.judging.evidence.possible_values import value_doubts
from leakdrill.judging.evidence.record_order import order_doubts
from leakdrill.judging.evidence.replica_readings import replica_doubts
from leakdrill.judging.evidence.request_counts import request_doubts
from leakdrill.record.events import (
    AlertTransition,
    LeakSwitchOff,
    LoadErrors,
    MachineFigures,
    MemoryThreshold,
    Notification,
    ProcessDetails,
    RecordCovers,
    ReplicaRequestCounts,
    RuleError,
    RunBroken,
    RunPhase,
    SelectorMatches,
    ServiceMetrics,
    StepAct,
    TargetExited,
    TargetLimits,
    TargetReady,
    TargetRestart,
    TargetStart,
    WorkerLost,
)
from leakdrill.record.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.event import Event

    Spoil = Callable[[Record], object]

START_TIME = 1_700_000_000.0
SELECTOR = 'container_memory_working_set_bytes{container="gateway"}'


def as_verdict(doubt: Doubt) -> Verdict:
    return Verdict(
        check="doubt", subject=" ".join(sorted(doubt.about)), outcome=Outcome.UNKNOWN, message=doubt.text,
        events=tuple(doubt.events),
    )  # fmt: skip


def good() -> Record:
    """A record of a drill, with the service's own page and the rule's threshold."""
    record = thin("memory")[0]
    record.sample(1.9, MemoryThreshold(0.4, 5.0, alert="HighMemoryUsage", severity="warning"))
    record.sample(1.9, SelectorMatches(1.0, alert="HighMemoryUsage", selector=SELECTOR, severity="warning"))
    for t in range(2, 72):
        page = {"process_resident_memory_bytes": 0.0, "process_start_time_seconds": START_TIME}
        page["http_requests_total"] = requests_at(t)
        tree = next(e.value for e in record.events if e.source == "process" and e.name == "tree" and e.t >= t - 0.3)
        record.sample(t, ServiceMetrics.of(page | {"process_resident_memory_bytes": tree["rss_bytes"]}))
    return record


def field(source: str, name: str, key: str, new: Callable[[float, float], Any], *, since: float, until: float) -> Spoil:
    """Change one field of one meter's readings between two times."""

    def value(event: Event) -> Any:
        if not isinstance(event.value, dict) or key not in event.value or not since <= event.t <= until:
            return event.value
        changed = new(event.t, event.value[key])
        return {k: v for k, v in (event.value | {key: changed}).items() if v is not None}

    return lambda record: record.change(source, name, value)


def alert(t: float, state: str, at: float | None = None, **labels: str) -> Spoil:
    return lambda record: record.sample(t, AlertTransition(state, labels=ALERT | labels, at=t if at is None else at))


def alerts(*told: tuple[float, str]) -> Spoil:
    """The alert has these states at these times, and no others; Prometheus counts nothing."""

    def spoil(record: Record) -> None:
        record.drop("prometheus", "alert").drop("alertmanager")
        record.change("prometheus", "poll", lambda _event: {"up": 1.0})
        for t, state in told:
            record.sample(t, AlertTransition(state, labels=ALERT, at=t))

    return spoil


def told(t: float, status: str, at: float | None, **labels: str) -> Spoil:
    return lambda record: record.sample(t, Notification(status, at=at, receiver="pager", labels=ALERT | labels))


def selects(number: float, selector: str) -> Spoil:
    return lambda r: r.drop("prometheus", "selector").sample(
        1.9, SelectorMatches(number, alert="HighMemoryUsage", selector=selector)
    )


def together(*spoils: Spoil) -> Spoil:
    return lambda record: [spoil(record) for spoil in spoils]


def near(source: str, name: str, key: str, add: float, *, readings: int = 3) -> Spoil:
    """So many readings in a row, two a second, are off by `add`."""
    return field(source, name, key, lambda _t, v: v + add, since=30, until=30 + 0.5 * readings - 0.3)


def times(source: str, name: str, key: str, factor: float, since: float = 30, until: float = 99) -> Spoil:
    return field(source, name, key, lambda _t, v: v * factor, since=since, until=until)


def still(source: str, name: str, key: str, value: float, since: float, until: float) -> Spoil:
    return field(source, name, key, lambda _t, _v: value, since=since, until=until)


def users_gone(since: float) -> Spoil:
    """Three of eight users are gone, and nobody told of their end."""

    def value(event: Event) -> Any:
        return event.value | {"users_started": 8.0, "users_ended": 0.0, "users": 8.0 if event.t < since else 5.0}

    return lambda record: record.change("load", "requests", value)


def lost_worker(t: float) -> Spoil:
    return lambda record: record.sample(t, WorkerLost(1.0, wanted="2"))


ALERTS: dict[str, Spoil] = {
    "good": lambda r: r,
    "fires twice": alert(36, "firing"),
    "resolved before it fired": alerts((30, "pending"), (58, "resolved")),
    "resolved at first": alerts((30, "resolved")),
    "inactive at first": alerts((30, "inactive")),
    "inactive after it fired": alerts((30, "pending"), (35, "firing"), (58, "inactive")),
    "pending and inactive": alerts((30, "pending"), (32, "inactive")),
    "an unknown state": alerts((30, "asleep")),
    "pending a second before it was seen": alert(36.0, "resolved", at=36.0),
    "two at one time": together(alerts((30, "pending"), (35, "firing")), alert(35, "resolved")),
    "in another order": together(alerts((30, "pending"), (35, "firing")), alert(33.9, "resolved", at=40)),
    "within `for`": alerts((30, "pending"), (34.2, "firing"), (58, "resolved")),
    "at the end of `for`": alerts((30, "pending"), (34.3, "firing"), (58, "resolved")),
    "without `pending`": alerts((35, "firing"), (58, "resolved")),
    "without `pending`, from the start on": alerts((0, "firing"), (58, "resolved")),
    "again within `for`": alerts((30, "pending"), (35, "firing"), (40, "resolved"), (41, "pending"), (42, "firing")),
    "of another severity": together(
        alerts((30, "pending"), (31, "inactive")), alert(31, "firing", severity="critical")
    ),
    "counts of firing": field("prometheus", "poll", "alerts_firing", lambda _t, v: v + 1, since=40, until=40.3),
    "counts of pending": field("prometheus", "poll", "alerts_pending", lambda _t, v: v + 1, since=20, until=20.3),
    "told of nothing": told(40, "firing", 40.0),
    "told within reach": told(40, "firing", 36.5),
    "told beyond reach": told(40, "firing", 36.6),
    "told that it ended": told(58, "resolved", 58.0),
    "told that it ended, early": told(56.4, "resolved", 56.4),
    "told without a time": told(40, "firing", None),
    "told without a time, early": told(33.4, "firing", None),
    "told of another": told(40, "firing", 35.0, severity="critical"),
    "of another container": alert(40, "pending", container="other"),
    "of this container": alert(57, "pending", container="gateway"),
    "told of another container": told(40, "firing", 35.0, container="other"),
    "selects nothing": selects(0.0, SELECTOR),
    "selects nothing of its own": selects(0.0, "http_requests_total"),
    "selects nothing on the node": selects(0.0, "node_filesystem_avail_bytes"),
    "a rule fails": field("prometheus", "poll", "rules_failing", lambda _t, _v: 1.0, since=40, until=40.3),
    "a rule fails, and why": together(
        lambda r: r.sample(39.9, RuleError("no", rule="a")),
        field("prometheus", "poll", "rules_failing", lambda _t, _v: 1.0, since=40, until=40.3),
    ),
    "a rule fails, and later why": together(
        lambda r: r.sample(41, RuleError("no", rule="a")),
        field("prometheus", "poll", "rules_failing", lambda _t, _v: 1.0, since=40, until=40.3),
    ),
    "far below its threshold": alerts((20, "pending"), (25, "firing"), (58, "resolved")),
    "a little below its threshold": alerts((26, "pending"), (31, "firing"), (58, "resolved")),
    "ends above its threshold": alerts((30, "pending"), (35, "firing"), (50, "resolved")),
    "no threshold": together(lambda r: r.drop("prometheus", "threshold"), alerts((20, "pending"), (25, "firing"))),
    "a second threshold": together(
        lambda r: r.sample(1.9, MemoryThreshold(0.2, 9.0, alert="HighMemoryUsage", severity="warning")),
        alerts((20, "pending"), (25, "firing"), (58, "resolved")),
    ),
}
METERS: dict[str, Spoil] = {
    "good": lambda r: r,
    **{
        f"{name} of {source}: {add // MIB} MiB in {readings} readings": near(source, name, key, add, readings=readings)
        for source, name, key in (
            ("cgroup", "resources", "anon_bytes"),
            ("process", "tree", "rss_bytes"),
        )
        for add, readings in ((400 * MIB, 2), (400 * MIB, 3), (-140 * MIB, 2), (-140 * MIB, 3), (20 * MIB, 3))
    },
    "smaps twice": times("process", "smaps", "anon_bytes", 2),
    "smaps half": times("process", "smaps", "anon_bytes", 0.5),
    "smaps, unique, half": times("process", "smaps", "uss_bytes", 0.5),
    "the page twice": times("service", "metrics", "process_resident_memory_bytes", 2),
    "the page half": times("service", "metrics", "process_resident_memory_bytes", 0.5),
    "the page half, of two processes": together(
        times("service", "metrics", "process_resident_memory_bytes", 0.5), times("process", "tree", "processes", 2)
    ),
    "usage below what is in it": times("cgroup", "resources", "usage_bytes", 0.5),
    "usage far above what is in it": times("cgroup", "resources", "usage_bytes", 3),
    "CPU of the group by half": field("cgroup", "resources", "cpu_seconds", lambda t, v: v - (t - 30) * 0.05,
                                      since=30, until=99),
    "CPU of the group by more": field("cgroup", "resources", "cpu_seconds", lambda t, v: v + (t - 30) * 0.2,
                                      since=30, until=99),
    "CPU of the processes by more": field("process", "tree", "cpu_seconds", lambda t, v: v + (t - 30) * 0.2,
                                          since=30, until=99),
    **{
        f"CPU of {source} stands for {length} s": still(source, name, "cpu_seconds", 2.8, 30, 30 + length)
        for source, name in (("cgroup", "resources"), ("process", "tree"))
        for length in (1.4, 1.9, 2.4, 5.0)
    },
    "CPU stands at the step": still("cgroup", "resources", "cpu_seconds", 5.3, 55, 58),
}  # fmt: skip
REQUESTS: dict[str, Spoil] = {
    "good": lambda r: r,
    **{
        f"{key} by {add:g} in {readings}": field(
            "load", "requests", key, lambda _t, v, a=add: v + a, since=30, until=29.9 + readings
        )
        for key in ("requests", "failures")
        for add, readings in ((150, 3), (230, 2), (230, 3), (500, 3), (-500, 3))
    },
    **{
        f"{key} {told:g} in {readings}": still("load", "requests", key, told, 30, 29.9 + readings)
        for key in ("rps", "fail_per_s")
        for told, readings in ((139, 3), (141, 3), (141, 2), (69, 3), (71, 3), (4.9, 3), (5.1, 3), (8, 3))
    },
    "no rate": field("load", "requests", "rps", lambda _t, _v: None, since=0, until=99),
    "the sampler's count falls": times("cgroup", "resources", "requests", 0.999, 40, 40.3),
    "the sampler counts less": times("process", "tree", "requests", 0.8),
    "failures without errors": field("load", "requests", "failures", lambda t, _v: max(0, (t - 20) * 2), since=0,
                                     until=99),
    "errors without failures": lambda r: r.sample(40, LoadErrors(count=21.0, method="GET", request="/", error="500")),
    "few errors without failures": lambda r: r.sample(40, LoadErrors(count=20.0, method="GET", request="/", error="5")),
    "errors of two kinds": lambda r: [
        r.sample(t, LoadErrors(count=n, method="GET", request="/", error=e))
        for t, n, e in ((40, 11.0, "500"), (41, 9.0, "500"), (41, 11.0, "404"), (72, 99.0, "501"))
    ],
    "stands still for 5 s": field("load", "requests", "requests", lambda t, v: 2800 if t <= 35 else v, since=30,
                                  until=35),
    "stands still for 7 s": field("load", "requests", "requests", lambda _t, _v: 2800, since=30, until=37),
    "stands still at the step": field("load", "requests", "requests", lambda _t, _v: 5200, since=54, until=61),
    "never moves": still("load", "requests", "requests", 500, 0, 99),
    "users end that nobody saw": users_gone(30),
    "users end with their worker": together(users_gone(30), lost_worker(30)),
    "users end before their worker": together(users_gone(30), lost_worker(40)),
    "the page counts half": field("service", "metrics", "http_requests_total", lambda t, v: v - max(0, t - 15) * 49,
                                  since=15, until=99),
    "the page counts less than half": field("service", "metrics", "http_requests_total",
                                            lambda t, v: v - max(0, t - 15) * 52, since=15, until=99),
    "the page counts less from the start on": times("service", "metrics", "http_requests_total", 0.4, 0),
    "the page counts nothing": field("service", "metrics", "http_requests_total", lambda _t, _v: None, since=0,
                                     until=99),
}  # fmt: skip
LIVES: dict[str, Spoil] = {
    "good": lambda r: r,
    "started again": lambda r: r.act(TargetStart(), 40, 41),
    "started again at the step": lambda r: r.act(TargetStart(), 55.3, 55.6),
    "ready again, another process": lambda r: r.sample(40, TargetReady(process=99.0)),
    "restarted": lambda r: r.act(TargetRestart(), 40, 41),
    "ended": lambda r: r.sample(40, TargetExited(0.0)),
    "another start time": still("service", "metrics", "process_start_time_seconds", START_TIME + 40, 40, 99),
    "nearly the same start time": still("service", "metrics", "process_start_time_seconds", START_TIME + 0.009, 40, 99),
    "CPU begins anew": field("cgroup", "resources", "cpu_seconds", lambda t, _v: (t - 40) / 10, since=40, until=99),
    "CPU of the tree begins anew": field("process", "tree", "cpu_seconds", lambda t, _v: (t - 40) / 10, since=40,
                                         until=99),
    "the count of kills rises": still("cgroup", "resources", "oom_kills", 1.0, 40, 99),
    "the count of kills falls": still("cgroup", "resources", "oom_kills", 1.0, 2, 40),
    "the load begins anew": field("load", "requests", "requests", lambda t, _v: (t - 40) * 100, since=40, until=99),
    "the limit rises": times("cgroup", "resources", "limit_bytes", 2, 40),
    "the limit rises at the step": times("cgroup", "resources", "limit_bytes", 2, 55.5),
    "the limit is another from the start on": times("cgroup", "resources", "limit_bytes", 2, 0),
    "the limit is a little more": times("cgroup", "resources", "limit_bytes", 1.009, 40),
    "there is no limit": field("cgroup", "resources", "limit_bytes", lambda _t, _v: None, since=0, until=99),
    "the limit was told": lambda r: r.sample(1.8, TargetLimits(memory_bytes=400.0 * MIB)),
    "another limit was told": lambda r: r.sample(1.8, TargetLimits(memory_bytes=800.0 * MIB)),
    "another limit was told later": lambda r: r.sample(40, TargetLimits(memory_bytes=800.0 * MIB)),
    "a limit that arrives": together(
        lambda r: r.sample(40, TargetLimits(memory_bytes=800.0 * MIB)),
        times("cgroup", "resources", "limit_bytes", 2, 42),
    ),
    "a step that nobody declared": lambda r: r.act(StepAct("restart", action="restart"), 40, 41),
}  # fmt: skip
ORDER: dict[str, Spoil] = {
    "good": lambda r: r,
    "no step": lambda r: r.drop("step"),
    "the step fails": lambda r: r.drop("step").act(StepAct("clear the cache", action="http"), 55.2, 55.7, "failed"),
    "the step never ends": lambda r: r.drop("step").act(StepAct("clear the cache", action="http"), 55.2, None),
    "the step in the load": lambda r: r.drop("step").act(StepAct("clear the cache", action="http"), 45.2, 45.7),
    "the step twice": lambda r: r.act(StepAct("clear the cache", action="http"), 55.8, 55.9),
    "another action": lambda r: r.drop("step").act(StepAct("clear the cache", action="gc"), 55.2, 55.7),
    "the leak is never on": lambda r: r.drop("leak", "switch_on").drop("leak", "on"),
    "the leak is gone": lambda r: r.drop("leak"),
    "the end is gone": lambda r: r.cut(60),
    "a line twice": lambda r: r.events.append(r.events[-1]),
}
GONE: dict[str, Spoil] = {
    "good": lambda r: r,
    **{
        f"no {source}": lambda r, s=source: r.drop(s)
        for source in ("cgroup", "process", "load", "service", "prometheus")
    },
    **{
        f"{source} from {a} to {b}": lambda r, s=source, a=a, b=b: r.drop(s, after=a, until=b)
        for source in ("cgroup", "process", "load", "prometheus")
        for a, b in ((30, 33.9), (30, 34.1), (54, 56), (66, 80))
    },
    **{
        f"every second of {source}, {number} times": lambda r, s=source, n=number: _singly(r, s, n)
        for source in ("cgroup", "process", "prometheus")
        for number in (2, 4, 6, 8, 12)
    },
}
VALUES: dict[str, Spoil] = {
    "good": lambda r: r,
    **{
        f"{key} of {source} is {value}": field(source, name, key, lambda _t, _v, x=value: x, since=40, until=40.3)
        for source, name, key in (
            ("cgroup", "resources", "anon_bytes"),
            ("process", "tree", "processes"),
            ("load", "requests", "requests"),
            ("prometheus", "poll", "up"),
        )
        for value in (-1.0, float("nan"), float("inf"), 2.0**50, 2.0**50 + 1, None)
    },
    "more than the whole": times("process", "smaps", "uss_bytes", 1.1),
    "a little more than the whole": times("process", "smaps", "uss_bytes", 1.01),
    "anonymous more than all": times("cgroup", "resources", "usage_bytes", 0.9),
    "no process": still("process", "tree", "processes", 0.0, 40, 40.3),
    "no process from the end of the load on": still("process", "tree", "processes", 0.0, 60, 99),
}


def _singly(record: Record, source: str, number: int) -> None:
    for count in range(number):
        record.drop(source, after=30.2 + count, until=30.7 + count)


CASES = [
    (look, spoils, name)
    for look, spoils in (
        (alert_doubts, ALERTS),
        (agreement_doubts, METERS),
        (request_doubts, REQUESTS),
        (life_doubts, LIVES),
        (order_doubts, ORDER),
        (presence_doubts, GONE),
        (value_doubts, VALUES),
    )
    for name in spoils
]


@pytest.mark.parametrize(("look", "spoils", "name"), CASES, ids=[f"{look.__name__}: {name}" for look, _, name in CASES])
def test_what_is_in_doubt(look: Any, spoils: dict[str, Spoil], name: str, kept_too: list[Verdict]) -> None:
    record = good()
    spoils[name](record)
    doubts = list(look(record.history(), plan(expect={"step_errors": "10%"})))
    kept_too += [as_verdict(doubt) for doubt in doubts]
    assert name != "good" or not doubts


def test_of_readings_that_are_missing_the_ordinary_cause_is_told_first() -> None:
    """A busy machine; and only then that somebody took them out."""
    record = good()
    GONE["every second of process, 12 times"](record)
    silent = list(presence_doubts(record.history(), plan()))
    assert silent
    held = Verdict(check="c", outcome=Outcome.PASS, message="m")
    hint = in_doubt(held, silent, of_all=False).hint
    assert hint.startswith("a busy machine misses readings, so run the drill again where less else runs; ")
    assert "verify" in hint
    contradiction = Doubt("it ended before it began", ())
    assert in_doubt(held, [contradiction, *silent], of_all=False).hint == hint
    assert in_doubt(held, [contradiction], of_all=False).hint.startswith("the record contradicts itself")


@pytest.mark.parametrize(("restarted", "doubted"), [((50.0, 70.0), False), ((50.0, 58.0), True)])
def test_a_count_that_falls_while_replicas_are_replaced_in_turn_is_no_doubt(
    restarted: tuple[float, float], doubted: bool
) -> None:
    """A StatefulSet replaces its last pod long after the restart began, under the same name."""
    record = good().sample(0.0, RecordCovers())
    record.act(TargetRestart(), *restarted)
    for t in range(2, 72):
        record.sample(t, ReplicaRequestCounts(others={"web-0": requests_at(t) - (requests_at(67) if t >= 67 else 0)}))
    fell = [doubt.text for doubt in replica_doubts(record.history(), plan()) if "had answered" in doubt.text]
    assert bool(fell) == doubted


def test_what_follows_from_an_end_of_the_service_is_laid_on_that_end():
    record = drill().sample(40, TargetExited(3.0, oom_kill="false"))
    record.drop("leak", "switch_off").act(
        LeakSwitchOff(leak="cache"), 56.01, 56.05, "failed", error="connection refused"
    )
    (told,) = [doubt for doubt in find_doubts(record.history(), plan()) if "connection refused" in doubt.text]
    assert told.text.startswith("the service ended at 40 s, and nobody had asked; leak cache ended as `failed`")
    assert told.cut_short


@pytest.mark.parametrize("broken", [True, False])
def test_a_drill_that_was_cut_short_says_what_ended_it(broken):
    record = drill().cut(40)
    record.events = [event for event in record.events if event.labels.get("phase") != "load"]
    record.act(RunPhase("load"), 15.0, 39.9, "failed", error="Locust ended in the middle of the drill")
    if broken:
        record.sample(39.8, RunBroken("Locust ended in the middle of the drill"))
    cut = [doubt.text for doubt in find_doubts(record.history(), plan()) if doubt.cut_short]
    phase = "" if broken else "the phase `load` ended as `failed`: "
    assert cut == [f"the run was cut short: {phase}Locust ended in the middle of the drill"]


def test_a_moment_in_unix_time_is_no_duration_that_cannot_be():
    record = drill().sample(20, ProcessDetails(oldest_start_seconds=1.8e9))
    record.sample(20, MachineFigures(booted_at_seconds=1.8e9))
    assert not [doubt for doubt in value_doubts(record.history(), plan()) if "_seconds" in doubt.text]
    before = drill().sample(20, ProcessDetails(oldest_start_seconds=-1.8e9))
    doubts = list(value_doubts(before.history(), plan()))
    assert [doubt.text.count("oldest_start_seconds is -1.8e+09") for doubt in doubts if "start" in doubt.text] == [1]
