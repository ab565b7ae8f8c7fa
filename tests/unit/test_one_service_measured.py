"""Whether one and the same service was measured, rule by rule: just what is asked for, and just beyond it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from histories import MIB, Record, plan

from leakdrill.judging.evidence.doubt import HOST_RESOURCES, TARGET, Doubt
from leakdrill.judging.evidence.lives import changing, life_doubts
from leakdrill.judging.evidence.windows import Span
from leakdrill.record.events import (
    CgroupResources,
    LoadRequests,
    Notice,
    PodResources,
    ProcessTree,
    RecordCovers,
    ReplicaResources,
    RunPhase,
    ServiceMetrics,
    StepAct,
    TargetExited,
    TargetLimits,
    TargetReady,
    TargetReplicas,
    TargetRestart,
    TargetScale,
    TargetStart,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.scenario.scenario import Scenario

    Level = Callable[[float], float | None]

ABOUT_LIFE = HOST_RESOURCES | {TARGET}
ABOUT_LIMITS = frozenset({"memory", "alerts"})
LIMIT = 400.0 * MIB


def record(action: str = "http") -> Record:
    """A start in the setup, a baseline from 5 to 15 s, a step from 40 to 41 s, and a last line at 90 s."""
    made = Record().act(RunPhase("setup"), 0, 2).act(RunPhase("baseline"), 5, 15)
    made.act(TargetStart(), 0.5, 1.5).sample(1.5, TargetReady(process=4121.0))
    return made.act(StepAct("clear", action=action), 40, 41).sample(90, Notice("the last line"))


def scenario(kind: str = "process", **changes: Any) -> Scenario:
    asked = plan(**changes)
    return asked.model_copy(update={"target": asked.target.model_copy(update={"kind": kind})})


def unlimited() -> Scenario:
    return plan(target={"name": "gateway", "command": ["gateway"]})


def doubts(made: Record, asked: Scenario | None = None) -> list[Doubt]:
    return list(life_doubts(made.history(), asked or scenario()))


def texts(made: Record, asked: Scenario | None = None, about: frozenset[str] = ABOUT_LIFE) -> list[str]:
    found = doubts(made, asked)
    assert all(doubt.about == about and not doubt.cut_short for doubt in found)
    return [doubt.text for doubt in found]


def group(made: Record, every: float = 1.0, since: float = 2.0, **levels: Level) -> Record:
    """Readings of the control group, one a second."""
    for t in np.arange(since, 71, every).tolist():
        values = {name: level(t) for name, level in levels.items()}
        made.sample(t, CgroupResources(**{name: value for name, value in values.items() if value is not None}))
    return made


def tree(made: Record, **levels: Level) -> Record:
    for t in range(2, 71):
        made.sample(t, ProcessTree(**{name: level(t) for name, level in levels.items()}))
    return made


def falls(at: float) -> Level:
    """A count that rises by one a second, and begins anew at a moment."""
    return lambda t: t if t < at else t - at


def event_times(made: Record, doubt: Doubt) -> list[float]:
    history = made.history()
    return [history.events[index].t for index in doubt.events]


def test_a_service_that_was_started_once_and_read_as_it_is_is_in_no_doubt() -> None:
    made = tree(group(record(), cpu_seconds=lambda t: t, oom_kills=lambda _t: 0.0, limit_bytes=lambda _t: LIMIT),
                processes=lambda _t: 1.0, cpu_seconds=lambda t: t, ended_bytes=lambda _t: 0.0)  # fmt: skip
    assert doubts(made) == []


@pytest.mark.parametrize(("kind", "start"), [(TargetStart, 60.0), (TargetRestart, 60.0), (TargetStart, 2.1)])
def test_a_start_outside_of_the_setup_and_of_a_step_that_replaces_is_unasked(kind: Any, start: float) -> None:
    made = record().act(kind(), start, start + 1)
    (doubt,) = doubts(made)
    assert doubt.text.startswith("the target was started anew at ")
    assert doubt.text.endswith(" s, and no step asks for it") or doubt.text.endswith(" min, and no step asks for it")
    assert (doubt.about, event_times(made, doubt)) == (ABOUT_LIFE, [start])


@pytest.mark.parametrize(
    "action", ["restart", "set_env", "set_limits", "scale", "autoscale", "delete_pod", "recreate", "kill", "prune"]
)
def test_a_step_that_replaces_asks_for_starts_from_its_beginning_to_its_end(action: str) -> None:
    for start, unasked in ((39.9, 1), (40, 0), (41, 0), (41.1, 1)):
        made = record(action).act(TargetRestart(), start, start + 1)
        assert len(texts(made)) == unasked, start
    assert len(texts(record("gc").act(TargetRestart(), 40.5, 41))) == 1


def test_a_start_in_the_setup_is_asked_for_to_its_last_moment() -> None:
    assert texts(record().act(TargetRestart(), 2, 2.5)) == []
    without = record()
    without.events = [event for event in without.events if event.labels.get("phase") != "setup"]
    assert texts(without) == [
        "the target was started anew at 500 ms, and no step asks for it",
        "another process was ready at 1.5 s, and nothing had started it",
    ]


@pytest.mark.parametrize(("kind", "told"), [("process", 1), ("existing", 1), ("docker", 1), ("kubernetes", 0)])
def test_who_is_ready_must_have_been_started_where_processes_are_seen(kind: str, told: int) -> None:
    for t, unasked in ((2.0, 0), (3.0, 0), (3.1, told), (60, told)):
        made = record().sample(t, TargetReady(process=99.0))
        found = doubts(made, scenario(kind))
        assert len(found) == unasked, t
        assert [event_times(made, doubt) for doubt in found] == [[t]] * unasked


def test_who_is_ready_after_an_end_or_a_step_was_started_by_it() -> None:
    ended = record().sample(60, TargetExited(1.0, at=59)).sample(59.5, TargetReady(process=99.0))
    assert texts(ended) == []
    early = record().sample(60, TargetExited(1.0, at=59)).sample(58.9, TargetReady(process=99.0))
    assert texts(early) == ["another process was ready at 59 s, and nothing had started it"]
    assert texts(record().sample(91, TargetReady(process=1.0))) == [
        "another process was ready at 1 min 31 s, and nothing had started it"
    ]
    for t, unasked in ((42.0, 0), (42.1, 1)):
        assert len(texts(record("restart").sample(t, TargetReady(process=99.0)))) == unasked


def test_a_target_that_was_started_and_never_ready_is_told() -> None:
    never = record().drop("target", "ready")
    assert texts(never) == ["the target was never ready"]
    assert doubts(never)[0].events == ()
    assert doubts(never, scenario("kubernetes")) == []
    assert texts(never.sample(1.5, TargetReady())) == ["the target was never ready"]
    assert texts(record().drop("target")) == []


def start_times(first: float, second: float, *, at: float = 30.0, more: Callable[[Record], object] = id) -> list[Doubt]:
    made = record()
    for t in range(2, 71):
        page = {"process_start_time_seconds": first if t < at else second}
        made.sample(t, ServiceMetrics.of(page if t % 10 else {"other": 1.0}))
    more(made)
    found = doubts(made)
    assert [event_times(made, doubt) for doubt in found] in ([], [[29.0, 31.0]])
    return found


def test_another_start_time_in_the_services_own_metrics_is_another_service() -> None:
    assert start_times(1e9, 1e9) == []
    assert start_times(1e9, 1e9 + 0.5) == []
    assert start_times(1e9, 1e9 - 0.5) == []
    for second in (1e9 + 0.6, 1e9 - 0.6):
        (doubt,) = start_times(1e9, second)
        assert doubt.text == "by its own metrics the service was started anew before 31 s"
        assert doubt.about == ABOUT_LIFE


def test_another_start_time_says_nothing_of_many_processes_and_around_a_restart() -> None:
    assert start_times(1, 9, more=lambda r: r.sample(50, ReplicaResources(anon_bytes=1.0))) == []
    assert start_times(1, 9, more=lambda r: r.sample(50, ProcessTree(processes=2.0))) == []
    assert len(start_times(1, 9, more=lambda r: r.sample(50, ProcessTree(processes=1.0)))) == 1
    restarted = "the target was started anew at "
    for start, end, told in ((31.0, 32.0, 1), (30.9, 32.0, 0), (20.0, 26.5, 1), (20.0, 26.6, 0)):
        found = start_times(1, 9, more=lambda r, a=start, b=end: r.sample(a, TargetExited(0.0)).sample(
            b, TargetReady(process=1.0)))  # fmt: skip
        assert not [doubt for doubt in found if doubt.text.startswith(restarted)]
        assert len(found) == told, (start, end)


@pytest.mark.parametrize("name", ["cpu_seconds", "oom_kills", "periods", "throttled_periods", "throttled_seconds"])
def test_a_count_of_the_control_group_only_rises(name: str) -> None:
    made = group(record(), **{name: falls(50)})
    (doubt,) = doubts(made, scenario("docker"))
    assert doubt.text == f"cgroup {name} fell from 49 to 0 at 50 s: a count of one service only rises"
    assert (doubt.about, event_times(made, doubt)) == (ABOUT_LIFE, [49, 50])
    assert texts(group(record(), **{name: lambda _t: 5.0}), scenario("docker")) == []
    twice = group(record(), **{name: lambda t: t % 20})
    assert len(doubts(twice, scenario("docker"))) == 1


def test_a_count_may_fall_while_the_service_is_replaced() -> None:
    for start, end, told in ((49.0, 50.0, 0), (50.0, 51.0, 1), (45.0, 47.4, 1), (45.0, 47.6, 0)):
        made = group(record("restart"), cpu_seconds=falls(50)).drop("step").act(
            StepAct("clear", action="restart"), start - 1, start
        ).act(TargetRestart(), start, end)  # fmt: skip
        assert len(texts(made)) == told, (start, end)


def test_a_count_that_falls_by_less_than_one_falls() -> None:
    shallow = stair(5.0, 4.5, 50)
    for name, made in (("cgroup cpu_seconds", group(record(), cpu_seconds=shallow)),
                       ("process ended_bytes", tree(record(), ended_bytes=shallow))):  # fmt: skip
        assert texts(made) == [f"{name} fell from 5 to 4.5 at 50 s: a count of one service only rises"]


def test_memory_of_ended_processes_never_falls() -> None:
    made = tree(record(), ended_bytes=falls(50), processes=lambda _t: 5.0)
    assert texts(made) == ["process ended_bytes fell from 49 to 0 at 50 s: a count of one service only rises"]


@pytest.mark.parametrize(("fall", "told"), [(0.0, 0), (0.02, 0), (0.03, 1)])
def test_the_cpu_time_of_one_process_may_fall_by_two_ticks(fall: float, told: int) -> None:
    made = tree(record(), processes=lambda _t: 1.0, cpu_seconds=lambda t: 0.0 if t < 50 else -fall)
    assert len(texts(made)) == told


@pytest.mark.parametrize("processes", [lambda _t: 2.0, lambda t: 1.0 + (t > 60), lambda t: 1.0 - (t > 60)])
def test_the_cpu_time_of_processes_that_come_and_go_may_fall(processes: Level) -> None:
    assert texts(tree(record(), processes=processes, cpu_seconds=falls(50))) == []


def test_kills_before_the_first_reading_were_others() -> None:
    made = group(record(), oom_kills=lambda _t: 2.0)
    assert texts(made) == ["2 OOM kills were counted in the target before its first reading"]
    assert event_times(made, doubts(made)[0]) == [2]
    assert doubts(made, scenario("docker")) == []
    assert doubts(group(record(), oom_kills=lambda t: 1.0 * (t > 2))) == []
    assert texts(group(record(), oom_kills=lambda t: 1.0 + (t > 2))) == [
        "1 OOM kills were counted in the target before its first reading"
    ]


@pytest.mark.parametrize("name", ["requests", "failures"])
def test_the_loads_counts_fall_only_before_the_baseline(name: str) -> None:
    def counted(at: float, *, baseline: bool = True) -> list[Doubt]:
        made = record()
        if not baseline:
            made.events = [event for event in made.events if event.labels.get("phase") != "baseline"]
        level = falls(at)
        for t in range(2, 71):
            made.sample(t, LoadRequests(**{name: level(t)}))
        return doubts(made)

    assert counted(99) == counted(4) == counted(30, baseline=False) == []
    (doubt,) = counted(30)
    assert doubt.text == f"the load's {name} fell from 29 to 0 at 30 s"
    assert (doubt.about, len(doubt.events)) == (frozenset({"requests"}), 2)
    assert len(counted(5)) == 1
    still = record()
    for t in range(2, 71):
        still.sample(t, LoadRequests(**{name: 5.0}))
    assert doubts(still) == []


def limited(
    level: Level, *told: tuple[float, float], action: str = "http", asked: Scenario | None = None,
    more: Callable[[Record], object] = id,
) -> list[str]:  # fmt: skip
    made = group(record(action), limit_bytes=level, anon_bytes=lambda _t: 1.0)
    for t, limit in told:
        made.sample(t, TargetLimits(memory_bytes=limit))
    more(made)
    return texts(made, asked, ABOUT_LIMITS)


SET = "the memory limit was set to 800 MiB, and no step asks for it"


def test_a_limit_is_set_by_a_step_that_limits() -> None:
    rises = stair(LIMIT, 2 * LIMIT)
    assert limited(rises, (40, 2 * LIMIT), action="set_limits") == []
    assert limited(rises, (40, 2 * LIMIT), action="recreate") == []
    assert limited(rises, (41, 2 * LIMIT), action="set_limits") == []
    assert limited(rises, (41.1, 2 * LIMIT), action="set_limits") == [SET]
    assert limited(rises, (39.9, 2 * LIMIT), action="set_limits") == [SET]
    assert limited(rises, (40, 2 * LIMIT), action="restart") == [SET]
    assert limited(rises, more=lambda r: r.sample(40, TargetLimits(cpus=2.0)), action="set_limits") == [CHANGED]


CHANGED = "the memory limit changed from 400 MiB to 800 MiB at 40 s, and no step asks for it"


def stair(before: float | None, after: float | None, at: float = 40.0) -> Level:
    return lambda t: before if t < at else after


def test_a_limit_changes_within_three_seconds_of_what_set_it() -> None:
    assert limited(stair(LIMIT, LIMIT)) == []
    assert limited(stair(LIMIT, 2 * LIMIT)) == [CHANGED]
    assert limited(stair(LIMIT, None)) == [CHANGED.replace("800 MiB", "none")]
    assert limited(stair(None, LIMIT)) == [CHANGED.replace("400 MiB", "none").replace("800", "400")]
    for at, changed in ((44.0, 0), (45.0, 1), (37.0, 1), (38.0, 0)):
        found = limited(stair(LIMIT, 2 * LIMIT, at), (40.5, 2 * LIMIT), action="set_limits")
        assert [text for text in found if "changed" in text] == [CHANGED.replace("40 s", f"{at:g} s")] * changed, at
    assert limited(stair(LIMIT, 2 * LIMIT), more=lambda r: r.sample(40.5, TargetExited(1.0)).sample(
        39.9, TargetExited(1.0)).sample(41, TargetReady(process=1.0))) == []  # fmt: skip


def test_a_limit_changes_while_the_service_is_replaced() -> None:
    for start, end, told in ((39.0, 39.9, 0), (36.0, 37.4, 1), (36.0, 37.6, 0), (40.0, 41.0, 1)):
        found = limited(stair(LIMIT, 2 * LIMIT), more=lambda r, a=start, b=end: r.sample(a, TargetExited(1.0)).sample(
            b, TargetReady(process=1.0)))  # fmt: skip
        assert found == [CHANGED] * told, (start, end)


def test_a_limit_that_changed_hides_no_other_doubt() -> None:
    found = limited(stair(LIMIT / 2, LIMIT))
    assert found == [
        "the memory limit changed from 200 MiB to 400 MiB at 40 s, and no step asks for it",
        "the control group's memory limit is 200 MiB; the scenario says 400 MiB",
    ]
    assert limited(stair(LIMIT, LIMIT), (50, 0.0)) == ["the memory limit was set to 0 B, and no step asks for it"]


def test_only_the_first_change_of_a_limit_is_told() -> None:
    assert limited(lambda t: LIMIT if t < 40 else 2 * LIMIT if t < 50 else 3 * LIMIT) == [CHANGED]


ARRIVED = "the memory limit was set to 800 MiB, and the control group has 400 MiB"


def test_a_limit_that_was_set_arrives_within_three_seconds() -> None:
    assert limited(stair(LIMIT, LIMIT), (40, 2 * LIMIT), action="set_limits") == [ARRIVED]
    assert limited(stair(LIMIT, 2 * LIMIT, 44), (40, 2 * LIMIT), action="set_limits",
                   more=lambda r: r.act(TargetScale(), 43, 44)) == []  # fmt: skip
    assert limited(stair(LIMIT, 2 * LIMIT, 45), (40, 2 * LIMIT), action="set_limits",
                   more=lambda r: r.act(TargetScale(), 43, 44)) == [ARRIVED]  # fmt: skip
    assert limited(stair(LIMIT, LIMIT), (40, LIMIT / 3), action="set_limits") == []
    assert limited(stair(LIMIT, LIMIT), (40, LIMIT * 1.0099), action="set_limits") == []
    assert len(limited(stair(LIMIT, LIMIT), (40, LIMIT * 1.011), action="set_limits")) == 1
    assert limited(stair(LIMIT, LIMIT), (40, 0.0), action="set_limits") == []
    assert limited(stair(LIMIT, None), (40, 2 * LIMIT), action="set_limits") == []


def test_the_first_limit_is_that_of_the_scenario_or_of_several_replicas() -> None:
    for first, told in ((LIMIT, 0), (3 * LIMIT, 0), (LIMIT * 0.5, 1), (LIMIT * 1.0099, 0), (LIMIT * 1.011, 1),
                        (LIMIT * 0.991, 0), (LIMIT * 0.98, 1)):  # fmt: skip
        assert len(limited(stair(first, first))) == told, first / LIMIT
    assert limited(stair(0.5 * LIMIT, 0.5 * LIMIT)) == [
        "the control group's memory limit is 200 MiB; the scenario says 400 MiB"
    ]
    half = stair(LIMIT / 2, LIMIT / 2)
    assert limited(half, asked=scenario("kubernetes")) == limited(half, asked=unlimited()) == []
    assert len(limited(half, asked=scenario("existing"))) == len(limited(half, asked=scenario("docker"))) == 1
    made = group(record(), limit_bytes=half)
    assert event_times(made, doubts(made)[0]) == [2]


def sealed(kind: str, level: Level, more: Callable[[Record], object] = id, asked: Scenario | None = None) -> list[str]:
    made = group(record(), limit_bytes=level, anon_bytes=lambda _t: 1.0).sample(0, RecordCovers())
    more(made)
    return texts(made, asked or scenario(kind), ABOUT_LIMITS)


NO_LIMIT = "the scenario limits memory to 400 MiB, and no limit was read"


def test_a_container_that_was_made_with_a_limit_has_one() -> None:
    nothing = stair(None, None)
    assert sealed("docker", nothing) == sealed("kubernetes", nothing) == [NO_LIMIT]
    assert sealed("process", nothing) == sealed("docker", stair(LIMIT, LIMIT)) == []
    assert sealed("docker", nothing, lambda r: r.sample(1, Notice("memory limit 400 MiB is not enforced here"))) == []
    assert sealed("docker", nothing, lambda r: r.sample(1, Notice("the memory limit is"))) == [NO_LIMIT]
    assert sealed("docker", nothing, lambda r: r.drop("cgroup")) == []
    made = group(record(), limit_bytes=nothing, anon_bytes=lambda _t: 1.0)
    assert doubts(made, scenario("docker")) == []


def test_a_pod_has_the_limit_of_the_scenario() -> None:
    def pod(limit: float | None, *later: float) -> list[str]:
        def more(made: Record) -> None:
            for number, one in enumerate((limit, *later)):
                made.sample(3 + number, PodResources(limit_bytes=one, anon_bytes=1.0))

        return sealed("kubernetes", stair(LIMIT, LIMIT), more)

    assert pod(LIMIT) == pod(None) == pod(LIMIT, 2 * LIMIT) == pod(LIMIT * 1.0099) == []
    assert pod(2 * LIMIT) == ["the pod's memory limit is 800 MiB; the scenario says 400 MiB"]
    assert len(pod(LIMIT * 1.011)) == len(pod(LIMIT * 0.98)) == len(pod(None, 2 * LIMIT)) == 1


def test_a_step_sets_the_limit_that_the_scenario_says() -> None:
    def asked(action: str, limit: str | None) -> Scenario:
        keys = {"memory": limit} if limit else {"cpus": 1}
        return scenario("docker", steps=[{"name": "clear", action: keys}])

    def told(t: float, limit: float, action: str = "set_limits", wanted: str | None = "800MiB") -> list[str]:
        level = stair(LIMIT, limit)
        return limited(level, (t, limit), action=action, asked=asked(action, wanted))

    wrong = "clear set the memory limit to 1.17 GiB, not to 800 MiB"
    assert told(40, 2 * LIMIT) == told(41, 2 * LIMIT * 1.0099) == told(40, 2 * LIMIT, "recreate") == []
    assert told(40, 3 * LIMIT) == told(41, 3 * LIMIT) == told(40, 3 * LIMIT, "recreate") == [wrong]
    assert told(40, 3 * LIMIT, wanted=None) == []
    assert len(told(40.5, 2 * LIMIT * 1.011)) == len(told(40.5, 2 * LIMIT * 0.989)) == 1
    assert [text for text in told(41.1, 3 * LIMIT) if text == wrong] == []


def test_processes_change_around_starts_ends_and_scaling() -> None:
    made = record().act(TargetScale(), 20, 21).act(TargetScale(), 60, None)
    down = Span(0.5, 3.0)
    assert changing(made.history(), scenario()) == [down, Span(20, 31), Span(60, 100)]
    elsewhere = record("restart").sample(30, TargetExited(1.0)).sample(35, TargetReplicas(2.0))
    spans = [down, Span(30, 91.5), Span(25, 45), Span(-8.5, 11.5), Span(20, 40), Span(40, 51)]
    assert changing(elsewhere.history(), scenario()) == spans
    assert changing(elsewhere.history(), scenario("docker")) == spans
    alone = record("restart").sample(30, TargetExited(1.0))
    assert changing(alone.history(), scenario()) == [down, Span(30, 91.5)]
    assert changing(alone.history(), scenario("docker")) == [
        down, Span(30, 91.5), Span(-8.5, 11.5), Span(20, 40), Span(40, 51),
    ]  # fmt: skip
    assert changing(record().history(), scenario("kubernetes")) == [down, Span(-8.5, 11.5)]
