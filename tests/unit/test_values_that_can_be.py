"""Readings that a meter can have given, and those just beyond: literal readings in, doubts out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from histories import MIB, Record, plan

from leakdrill.judging.evidence.doubt import HOST_RESOURCES, Doubt
from leakdrill.judging.evidence.possible_values import impossible_numbers, value_doubts
from leakdrill.record.events import (
    AlertTransition,
    CgroupResources,
    FilesystemDisk,
    LoadRequests,
    Notice,
    Notification,
    PodResources,
    ProcessSmaps,
    ProcessTree,
    PrometheusPoll,
    RecordCovers,
    RunPhase,
    SelectorMatches,
    ServiceMetrics,
    TargetExited,
    TargetReady,
)

if TYPE_CHECKING:
    from leakdrill.record.event_class import Sample
    from leakdrill.scenario.scenario import Scenario

TREE = {"rss_bytes": 9.0 * MIB, "cpu_seconds": 1.0, "threads": 4.0, "fds": 9.0, "processes": 1.0}
SMAPS = {"pss_bytes": 9.0 * MIB, "uss_bytes": 9.0 * MIB, "anon_bytes": 9.0 * MIB}
GROUP = {"usage_bytes": 9.0 * MIB, "anon_bytes": 9.0 * MIB, "limit_bytes": 400.0 * MIB}
LOAD = {"requests": 9.0, "failures": 0.0, "rps": 9.0, "fail_per_s": 0.0, "users": 1.0, "workers": 1.0, "p99_ms": 9.0}
POLL = {"up": 1.0, "alerts_firing": 0.0, "alerts_pending": 0.0, "rules_failing": 0.0}


def record() -> Record:
    return Record().act(RunPhase("baseline"), 5, 15).act(RunPhase("recover"), 60, 80).sample(90, Notice("last"))


def readings(kind: type[Sample], usual: dict[str, float], **other: float | None) -> Record:
    """A reading each second from 20 to 29 s; that of 25 s is another one."""
    made = record()
    for t in range(20, 30):
        values = usual | (other if t == 25 else {})
        made.sample(t, kind.of({name: value for name, value in values.items() if value is not None}))
    return made


def scenario(kind: str = "process", **changes: Any) -> Scenario:
    asked = plan(**changes)
    return asked.model_copy(update={"target": asked.target.model_copy(update={"kind": kind})})


UNLIMITED = {"target": {"name": "gateway", "command": ["gateway"]}}


def found(made: Record, asked: Scenario | None = None) -> list[Doubt]:
    return list(value_doubts(made.history(), asked or scenario("docker")))


def told(made: Record, asked: Scenario | None = None) -> list[str]:
    return [doubt.text for doubt in found(made, asked)]


def impossible(event: Sample) -> list[str]:
    return [doubt.text for doubt in impossible_numbers(record().sample(20, event).history())]


def test_readings_as_meters_give_them_are_in_no_doubt() -> None:
    for kind, usual in ((ProcessTree, TREE), (ProcessSmaps, SMAPS), (CgroupResources, GROUP), (LoadRequests, LOAD),
                        (PrometheusPoll, POLL)):  # fmt: skip
        assert told(readings(kind, usual)) == told(readings(kind, usual), scenario()) == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, ""), (-1.0, "-1"), (2.0**50, ""), (2.0**51, "2.2518e+15"), (float("nan"), "nan"), (float("inf"), "inf"),
     (float("-inf"), "-inf")],
)  # fmt: skip
def test_bytes_are_none_to_a_pebibyte(value: float, shown: str) -> None:
    text = f"cgroup resources at 20 s says what cannot be: usage_bytes is {shown}"
    assert impossible(CgroupResources(usage_bytes=value)) == ([text] if shown else [])


@pytest.mark.parametrize(
    ("fields", "possible"),
    [
        ({"cpu_seconds": 1e9}, True),
        ({"cpu_seconds": 1.1e9}, False),
        ({"threads": 1e15}, True),
        ({"threads": 1.1e15}, False),
    ],
)
def test_seconds_and_counts_have_bounds_too(fields: dict[str, float], possible: bool) -> None:
    assert (impossible(ProcessTree(**fields)) == []) == possible


def test_each_meter_is_told_of_once_and_about_what_it_measures() -> None:
    made = record().sample(20, CgroupResources(usage_bytes=-1.0)).sample(21, CgroupResources(usage_bytes=-2.0))
    made.sample(22, LoadRequests(requests=-1.0)).sample(23, FilesystemDisk(used_bytes=-1.0))
    made.line(24, "other", "thing", float("nan")).line(25, "other", "thing", -3.0)
    doubts = list(impossible_numbers(made.history()))
    assert [(doubt.text.partition(" says")[0], doubt.about) for doubt in doubts] == [
        ("cgroup resources at 20 s", HOST_RESOURCES),
        ("load requests at 22 s", frozenset({"requests"})),
        ("filesystem disk at 23 s", frozenset({"disk"})),
        ("other thing at 24 s", frozenset()),
    ]
    assert doubts[3].text == "other thing at 24 s says what cannot be: value is nan"
    assert [made.history().events[doubt.events[0]].t for doubt in doubts] == [20, 22, 23, 24]


def test_what_may_be_negative_and_what_is_the_services_own_is_left_alone() -> None:
    assert impossible(PrometheusPoll(up=1.0, clock_ahead_s=-3.0, evaluation_late_s=-1.0)) == []
    assert impossible(ServiceMetrics.of({"temperature": -4.0})) == []
    assert impossible(ServiceMetrics.of({'http_requests_total{code="200"}': -4.0})) != []
    assert impossible(ServiceMetrics.of({"process_open_fds": -4.0})) != []
    assert impossible(ServiceMetrics.of({"temperature": float("nan")})) != []


def test_a_reading_has_numbers_or_a_reason() -> None:
    def line(value: Any, **labels: str) -> list[str]:
        made = record().line(20, "cgroup", "resources", value, **labels)
        return [doubt.text for doubt in impossible_numbers(made.history())]

    assert line(None, error="no such file") == []
    assert line(None) == ["cgroup resources at 20 s says what cannot be: there are no numbers, and no reason"]
    assert line("text", error="no such file") != []
    assert line({"usage_bytes": "many"}) == [
        "cgroup resources at 20 s says what cannot be: usage_bytes is no number: many"
    ]
    assert impossible(Notice("anything")) == []


def test_a_selector_matches_a_number_of_series() -> None:
    def line(value: Any) -> list[str]:
        made = record().line(20, "prometheus", "selector", value)
        return [doubt.text for doubt in impossible_numbers(made.history())]

    assert impossible(SelectorMatches(None, alert="a")) == impossible(SelectorMatches(0.0, alert="a")) == []
    assert line(-1.0) == ["prometheus selector at 20 s says what cannot be: the number of series is -1"]
    assert line("two") == ["prometheus selector at 20 s says what cannot be: the number of series is no number: two"]


ALWAYS = [
    (ProcessTree, TREE, "process/tree"),
    (ProcessSmaps, SMAPS, "process/smaps"),
    (LoadRequests, LOAD, "load/requests"),
    (PrometheusPoll, POLL, "prometheus/poll"),
    (FilesystemDisk, {"used_bytes": 1.0, "size_bytes": 9.0}, "filesystem/disk"),
]


@pytest.mark.parametrize(("kind", "usual", "meter"), ALWAYS, ids=[meter for _, _, meter in ALWAYS])
def test_what_a_meter_always_reads_is_missed_from_the_first_reading_that_lacks_it(
    kind: Any, usual: dict[str, float], meter: str
) -> None:
    for name in usual:
        once = told(readings(kind, usual, **{name: None}))
        assert once == [f"{meter} lacks {name} in 1 of 10 readings, at first at 25 s"]
        never = told(readings(kind, {key: value for key, value in usual.items() if key != name}))
        always = name != "size_bytes"
        assert never == ([f"{meter} lacks {name} in 10 of 10 readings, at first at 20 s"] if always else [])


def test_a_percentile_may_be_missing_while_nothing_is_asked() -> None:
    assert told(readings(LoadRequests, LOAD, p99_ms=None, rps=0.0)) == []


def test_what_a_meter_mostly_reads_it_reads_always() -> None:
    more = GROUP | {"oom_kills": 0.0, "periods": 3.0}
    assert told(readings(CgroupResources, more, oom_kills=None)) == [
        "cgroup/resources lacks oom_kills in 1 of 10 readings, at first at 25 s"
    ]
    assert told(readings(CgroupResources, more | {"processes": 1.0}, periods=None, processes=None)) == [
        "cgroup/resources lacks periods in 1 of 10 readings, at first at 25 s",
        "cgroup/resources lacks processes in 1 of 10 readings, at first at 25 s",
    ]
    assert told(readings(CgroupResources, GROUP | {"limit_bytes": 1.0 * 400 * MIB}, limit_bytes=None)) == []


def test_a_control_group_of_this_machine_has_its_own_fields() -> None:
    def lacking(made: Record, **changes: Any) -> list[str]:
        return [text.split(" lacks ")[1].split(" in ")[0] for text in told(made, scenario(**changes))]

    none = readings(CgroupResources, {"cpu_seconds": 1.0})
    assert lacking(none) == ["anon_bytes", "limit_bytes", "usage_bytes"]
    assert lacking(none, **UNLIMITED) == ["anon_bytes", "usage_bytes"]
    assert told(none) == []  # in a container
    text = "memory limit 400 MiB is watched, not enforced"
    assert lacking(readings(CgroupResources, {"cpu_seconds": 1.0}).sample(1, Notice(text))) == [
        "anon_bytes", "usage_bytes",
    ]  # fmt: skip
    limited = {"target": {"name": "gateway", "command": ["gateway"], "limits": {"cpus": 1}}}
    bare = readings(CgroupResources, {"usage_bytes": 9.0 * MIB, "anon_bytes": 9.0 * MIB})
    assert lacking(bare, **limited) == ["cpu_seconds"]
    sealed = readings(CgroupResources, GROUP).sample(0, RecordCovers())
    assert lacking(sealed) == ["memory_bytes", "oom_kills"]
    tree = readings(ProcessTree, TREE).sample(0, RecordCovers())
    assert lacking(tree) == ["ended_age_s", "ended_bytes"]


def down(made: Record, start: float, end: float) -> Record:
    return made.sample(start, TargetExited(1.0)).sample(end, TargetReady(process=1.0))


def test_a_field_may_be_missing_while_processes_change() -> None:
    for start, end, missed in ((25.0, 26.0, 0), (25.1, 26.0, 1), (20.0, 23.5, 0), (20.0, 23.4, 1)):
        made = down(readings(ProcessTree, TREE, fds=None), start, end)
        assert len(told(made, scenario())) == missed, (start, end)


PARTS: list[tuple[Any, dict[str, float], str, str, float]] = [
    (CgroupResources, {}, "usage_bytes", "limit_bytes", 4.0 * MIB),
    (CgroupResources, {}, "anon_bytes", "limit_bytes", 4.0 * MIB),
    (CgroupResources, {}, "anon_bytes", "usage_bytes", 4.0 * MIB),
    (CgroupResources, {}, "working_set_bytes", "usage_bytes", 0.0),
    (CgroupResources, {}, "anon_bytes", "memory_bytes", 4.0 * MIB),
    (CgroupResources, {}, "throttled_periods", "periods", 1.0),
    (ProcessSmaps, {"anon_bytes": 100.0 * MIB}, "uss_bytes", "pss_bytes", 0.0),
    (FilesystemDisk, {"used_bytes": 1.0}, "used_bytes", "size_bytes", 0.0),
    (FilesystemDisk, {"used_bytes": 1.0}, "avail_bytes", "free_bytes", 0.0),
    (LoadRequests, LOAD, "failures", "requests", 0.0),
    (LoadRequests, LOAD | {"p99_ms": 1e12}, "p50_ms", "p95_ms", 0.0),
    (LoadRequests, LOAD, "p50_ms", "p99_ms", 0.0),
    (LoadRequests, LOAD, "p95_ms", "p99_ms", 0.0),
    (ProcessTree, TREE, "processes", "threads", 0.0),
]


@pytest.mark.parametrize(("kind", "usual", "part", "whole", "more"), PARTS, ids=[f"{p} {w}" for _, _, p, w, _ in PARTS])
def test_a_part_is_no_more_than_its_whole(
    kind: Any, usual: dict[str, float], part: str, whole: str, more: float
) -> None:
    size = 100.0 * MIB
    beyond = 1.021 * size + more

    def partly(amount: float, whole_there: float | None = size) -> list[str]:
        made = readings(kind, usual | {part: 1.0 * MIB, whole: size}, **{part: amount, whole: whole_there})
        return [text for text in told(made) if "cannot be:" in text and "says" not in text]

    assert partly(1.0199 * size + more) == []
    meter = f"{kind.source} {kind.event_name}"
    assert partly(beyond) == [f"{meter} at 25 s cannot be: {part} is {beyond:g} and {whole} {size:g}"]
    assert partly(beyond, None) == []


def test_the_whole_may_have_been_more_in_the_reading_before_or_after() -> None:
    def anon(*wholes: float) -> list[str]:
        made = record()
        for number, whole in enumerate(wholes):
            part = 60.0 if number == 3 else 5.0
            made.sample(20 + number, CgroupResources(anon_bytes=part * MIB, usage_bytes=whole * MIB))
        return told(made)

    assert len(anon(10, 10, 10, 10, 10, 10, 10)) == 1
    assert anon(10, 10, 60, 10, 10, 10, 10) == anon(10, 10, 10, 10, 60, 10, 10) == anon(10, 10, 10, 60) == []
    assert len(anon(10, 60, 10, 10, 10, 60, 10)) == 1
    first = readings(CgroupResources, {"anon_bytes": 60.0 * MIB, "usage_bytes": 10.0 * MIB})
    assert told(first) == ["cgroup resources at 20 s cannot be: anon_bytes is 6.29146e+07 and usage_bytes 1.04858e+07"]
    assert told(down(first, 19, 26.5), scenario("process", **UNLIMITED)) == [
        "cgroup resources at 29 s cannot be: anon_bytes is 6.29146e+07 and usage_bytes 1.04858e+07"
    ]


NONE = [
    *((ProcessTree, TREE, name, 1.0) for name in ("processes", "threads", "fds")),
    (ProcessTree, TREE, "rss_bytes", 65536.0),
    *((ProcessSmaps, SMAPS, name, 65536.0) for name in SMAPS),
]


@pytest.mark.parametrize(("kind", "usual", "name", "least"), NONE, ids=[name for _, _, name, _ in NONE])
def test_a_service_that_runs_has_at_least_one_of_each(
    kind: Any, usual: dict[str, float], name: str, least: float
) -> None:
    def read(number: float) -> list[str]:
        return [text for text in told(readings(kind, usual, **{name: number})) if " of a service that ran" in text]

    meter = f"{kind.source} {kind.event_name}"
    assert read(least) == []
    assert read(0.0) == [f"{meter} read {name} 0 at 25 s of a service that ran"]
    made = readings(kind, usual, **{name: 0.0})
    assert told(down(made, 24.5, 26), scenario()) == []
    twice = readings(kind, usual | {name: 0.0})
    assert len([text for text in told(twice) if text.endswith("that ran")]) == 1


def test_a_new_pod_may_have_nothing_in_its_first_reading() -> None:
    def pods(*values: float) -> list[str]:
        made = record()
        for number, value in enumerate(values):
            made.sample(20 + number, PodResources.of(GROUP | {"working_set_bytes": 9.0 * MIB, "anon_bytes": value}))
        return told(made)

    assert pods(0.0, 9.0 * MIB, 9.0 * MIB) == pods(9.0 * MIB, 0.0, 9.0 * MIB) == []
    assert pods(0.0, 0.0, 9.0 * MIB) == ["pod resources read anon_bytes 0 at 20 s of a service that ran"]


def test_no_limit_may_be_read_as_none_where_the_scenario_has_none() -> None:
    made = readings(CgroupResources, GROUP | {"limit_bytes": 0.0})
    assert [text for text in told(made) if "limit_bytes 0 at" in text] == [
        "cgroup resources read limit_bytes 0 at 20 s of a service that ran"
    ]
    assert not [text for text in told(made, plan(**UNLIMITED)) if "limit_bytes 0 at" in text]


@pytest.mark.parametrize(
    ("users", "rps", "doubted"),
    [((0, 0), (9, 9), True), ((1, 0), (9, 9), False), ((0, 1), (9, 9), False), ((0, 0), (0, 9), False),
     ((0, 0), (9, 0), False), ((0, 0), (0.5, 0.5), True)],
)  # fmt: skip
def test_requests_come_from_users(users: tuple[int, int], rps: tuple[float, float], doubted: bool) -> None:
    for t, counts in ((20.0, True), (2.0, False), (85.0, False)):
        made = record()
        for number in range(2):
            made.sample(t + number, LoadRequests.of(LOAD | {"users": users[number], "rps": rps[number]}))
        texts = [text for text in told(made) if text.endswith(", of no user")]
        assert len(texts) == (1 if doubted and counts else 0), t
    alone = record().sample(20, LoadRequests.of(LOAD | {"users": 0.0}))
    assert told(alone) == []


def test_only_the_first_requests_of_nobody_are_told() -> None:
    made = readings(LoadRequests, LOAD | {"users": 0.0})
    assert told(made) == ["Locust counted 9 requests in the second before 21 s, of no user"]


def test_prometheus_is_up_or_not() -> None:
    assert told(readings(PrometheusPoll, POLL, up=0.0)) == []
    (doubt,) = found(readings(PrometheusPoll, POLL, up=0.5))
    assert (doubt.text, doubt.about) == ("Prometheus cannot be up 0.5 times", frozenset({"alerts"}))
    assert len(told(readings(PrometheusPoll, POLL | {"up": 2.0}))) == 1


def test_the_words_of_alerts_are_known() -> None:
    for state in ("pending", "firing", "resolved", "inactive"):
        assert told(record().sample(20, AlertTransition(state))) == []
    for status in ("firing", "resolved"):
        assert told(record().sample(20, Notification(status))) == []
    made = record().sample(20, AlertTransition("asleep")).sample(21, Notification("pending"))
    made.sample(22, AlertTransition("ill"))
    assert told(made) == [
        "nobody knows the alert `asleep`", "nobody knows the alert `ill`", "nobody knows the notification `pending`",
    ]  # fmt: skip
    assert {doubt.about for doubt in found(made)} == {frozenset({"alerts"})}
