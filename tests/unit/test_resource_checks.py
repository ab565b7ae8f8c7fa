"""The checks on every resource: files, threads and CPU are judged as memory is, each in its own unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from histories import MIB, Record, drill, flat, leaking, plan, requests_at, twin

from leakdrill.judging.drill import judge_claims
from leakdrill.judging.evidence.resource_series import resource_series
from leakdrill.record.events import LeakSwitchOff, LeakSwitchOn, ProcessTree, StepAct, TargetExited

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario


def without(record: Record, field: str) -> Record:
    """`record`, whose control group says nothing of `field`."""
    for name in {e.name for e in record.events if e.source == "cgroup" and e.kind == "sample"}:
        record.change("cgroup", name, lambda e: {key: value for key, value in e.value.items() if key != field})
    return record


def metered(record: Record, field: str, level: Callable[[float], float]) -> Record:
    """`record` with readings of the process tree, the only ones of this field."""
    without(record, field)
    for t in np.arange(2, 71.001, 0.1).round(4).tolist():
        record.sample(t, ProcessTree.of({field: level(t), "requests": requests_at(t)}))
    return record


def kept(t: float) -> float:
    """Twenty at rest; each of a hundred requests a second keeps one from 15 s until the step at 55.5 s."""
    return 20 + (100 * (t - 15) if 15 <= t < 55.5 else 0)


def cores(t: float) -> float:
    """CPU seconds used by `t`: 0.2 cores at rest, 0.7 while it leaks."""
    return 0.2 * t + 0.5 * min(max(t - 15, 0), 40.5)


def wave(t: float) -> float:
    """Memory of requests that hold 80 MiB each for half of the time, from 15 s until the step."""
    return 60 * MIB + (80 * MIB if 15 <= t < 55.5 and int(t * 5) % 2 else 0)


def leak(**more: object) -> Scenario:
    """A drill of one leak; what it says of its steps comes in `more` too."""
    steps = more.pop("steps", [{"name": "clear the cache", "http": {"path": "/x"}}])
    expect = more.pop("expect", {"memory": None})
    return plan(leaks=[{"name": "cache", **more}], steps=steps, expect=expect)


THREADS = leak(resource="threads", per_request=1)
FILES = leak(resource="descriptors", per_request=1)
CPU = leak(resource="cpu", per_request="5ms")
PEAK = leak(peak="80MiB", expect={})


def told(check: str, record: Record, scenario: Scenario) -> Verdict:
    return next(v for v in judge_claims(record.history(), scenario) if v.check == check)


def is_told(check: str, outcome: str, record: Record, *words: str, scenario: Scenario) -> None:
    """Assert the outcome and that its sentence holds all `words`."""
    verdict = told(check, record, scenario)
    assert verdict.outcome == outcome, verdict
    assert all(word in verdict.message for word in words), verdict.message


def files(level: Callable[[float], float] = kept) -> Record:
    return metered(drill(flat), "fds", level)


def threads(level: Callable[[float], float] = kept) -> Record:
    return metered(drill(flat), "threads", level)


def busy(level: Callable[[float], float] = cores) -> Record:
    """A drill whose step ends at 55.7 s and whose leak is switched off five seconds later, as the drill does it."""
    record = metered(drill(flat), "cpu_seconds", level).drop("leak")
    return record.act(LeakSwitchOn(leak="cache"), 15, 15.05).act(LeakSwitchOff(leak="cache"), 60.8, 61)


def peaking(level: Callable[[float], float] = wave) -> Record:
    record = drill(level).drop("leak")
    return record.act(LeakSwitchOn(leak="cache"), 15, 15.05).act(LeakSwitchOff(leak="cache"), 60.8, 61)


def test_cores_in_use_are_cpu_seconds_per_second_and_a_new_count_is_left_out() -> None:
    record = metered(Record(), "cpu_seconds", lambda t: 0.5 * t if t < 30 else 0.25 * (t - 30))
    series = resource_series(record.history(), "cpu")
    assert np.allclose(series.between(3, 29.9).values, 0.5)
    assert np.allclose(series.between(31.1, 71).values, 0.25)
    assert not len(series.between(30.0, 30.2))


@pytest.mark.parametrize(
    ("record", "scenario", "outcome", "words"),
    [
        (files(), FILES, "PASS", ("descriptors grew by 1 per request", "declared: 1")),
        (files(lambda t: 20 + 3 * (kept(t) - 20)), FILES, "FAIL", ("descriptors grew by 3 per request",)),
        (files(lambda _: 20), FILES, "UNKNOWN", ("the leak did not leak", "proves nothing")),
        (drill(flat), FILES, "UNKNOWN", ("only 0 samples",)),
        (threads(), THREADS, "PASS", ("threads grew by 1 per request",)),
        (threads(lambda t: 20 + 5 * (kept(t) - 20)), THREADS, "FAIL", ("threads grew by 5 per request",)),
        (threads(lambda _: 20), THREADS, "UNKNOWN", ("did not leak",)),
        (busy(), CPU, "PASS", ("each request used 5 ms of CPU more than in the baseline", "declared: 5 ms")),
        (busy(lambda t: 0.2 * t + 3 * (cores(t) - 0.2 * t)), CPU, "FAIL", ("used 15 ms of CPU more",)),
        (busy(lambda t: 0.2 * t), CPU, "UNKNOWN", ("did not leak", "used")),
        (without(drill(flat), "cpu_seconds"), CPU, "UNKNOWN", ("in the baseline only 0 samples",)),
        (peaking(), PEAK, "PASS", ("memory stood 80 MiB above its baseline of 60 MiB", "declared: 80 MiB")),
        (peaking(lambda t: flat(t) + 3 * (wave(t) - flat(t))), PEAK, "FAIL", ("memory stood 240 MiB above",)),
        (peaking(flat), PEAK, "UNKNOWN", ("did not leak",)),
        (peaking().drop("cgroup"), PEAK, "UNKNOWN", ("only 0 samples",)),
    ],
)
def test_each_leak_grows_what_it_declares_in_its_own_unit(
    record: Record, scenario: Scenario, outcome: str, words: tuple[str, ...]
) -> None:
    is_told("leak_grows_as_declared", outcome, record, *words, scenario=scenario)


@pytest.mark.parametrize(
    ("record", "scenario", "check", "outcome", "words"),
    [
        (files(), FILES, "descriptors_return", "PASS", ("descriptors are at 20, 0 ", "baseline of 20 (margin 4)")),
        (files(lambda t: kept(min(t, 55.4))), FILES, "descriptors_return", "FAIL", ("descriptors stayed 4",)),
        (drill(flat), FILES, "descriptors_return", "UNKNOWN", ("cannot be told",)),
        (threads(), THREADS, "threads_return", "PASS", ("threads are at 20",)),
        (threads(lambda t: kept(t) + (max(0, t - 56) * 10 if t > 56 else 0)), THREADS, "threads_return", "FAIL",
         ("threads still grow by 0.1 per request",)),
        (drill(flat), THREADS, "threads_return", "UNKNOWN", ("cannot be told",)),
        (busy(), CPU, "cpu_returns", "PASS", ("cpu is at 0.20 cores", "margin 0.10 cores")),
        (busy(lambda t: cores(t) + max(0, t - 55.5) * 0.5), CPU, "cpu_returns", "FAIL", ("cpu stayed 0.50 cores",)),
        (without(drill(flat), "cpu_seconds"), CPU, "cpu_returns", "UNKNOWN", ("cannot be told",)),
    ],
)  # fmt: skip
def test_each_resource_must_come_back(
    record: Record, scenario: Scenario, check: str, outcome: str, words: tuple[str, ...]
) -> None:
    name = f"{check}_to_baseline"
    is_told(name, outcome, record, *words, scenario=scenario)


def test_only_what_leaks_and_memory_must_come_back_and_null_turns_it_off() -> None:
    def asked(scenario: Scenario) -> set[str]:
        return {v.check for v in judge_claims(drill().history(), scenario) if v.check.endswith("_to_baseline")}

    assert asked(leak(resource="threads", per_request=1, expect={})) == {
        "memory_returns_to_baseline", "threads_return_to_baseline",
    }  # fmt: skip
    assert asked(leak(resource="threads", per_request=1, expect={"threads": None})) == {"memory_returns_to_baseline"}
    assert "disk_returns_to_baseline" in asked(plan(expect={"disk": {"level": "5%"}}))


def test_a_twin_must_not_grow_what_its_original_leaks() -> None:
    scenario = plan(leaks=[], steps=[], alerts={"rules": ["r"]}, expect={"threads": {}, "cpu": {}})
    quiet = metered(metered(twin(), "threads", lambda _: 20), "cpu_seconds", lambda t: 0.2 * t)
    is_told("threads_do_not_grow", "PASS", quiet, "threads are at 20", scenario=scenario)
    is_told("cpu_does_not_grow", "PASS", quiet, scenario=scenario)
    grows = metered(metered(twin(), "threads", lambda t: 20 + max(0, t - 15)), "cpu_seconds", cores)
    is_told("threads_do_not_grow", "FAIL", grows, "threads stayed", scenario=scenario)
    is_told("cpu_does_not_grow", "FAIL", grows, "cpu stayed 0.50 cores", scenario=scenario)
    is_told("threads_do_not_grow", "UNKNOWN", twin(), scenario=scenario)
    is_told("cpu_does_not_grow", "UNKNOWN", without(twin(), "cpu_seconds"), scenario=scenario)


def test_a_step_is_judged_by_the_leaks_own_resource() -> None:
    is_told("step_works", "PASS", files(), "descriptors were at", "after (baseline 20)", scenario=FILES)
    stays = files(lambda t: kept(min(t, 55.4)))
    is_told("step_works", "FAIL", stays, "changed nothing: descriptors were at", scenario=FILES)
    is_told("step_works", "UNKNOWN", files(lambda _: 20), "there was no growth to cure", scenario=FILES)
    is_told("step_works", "PASS", busy(), "cpu was at 0.70 cores before and at 0.20 cores", scenario=CPU)


def test_a_cure_of_cpu_is_only_looked_for_while_the_leak_is_still_on() -> None:
    lasts = busy(lambda t: 0.2 * t + 0.5 * min(max(t - 15, 0), 45.8))
    is_told("step_works", "FAIL", lasts, "changed nothing", scenario=CPU)


def test_a_peak_is_compared_with_peaks() -> None:
    is_told("step_works", "PASS", peaking(), "memory was at 140 MiB before and at 60 MiB", scenario=PEAK)
    lasts = peaking(lambda t: wave(50.2 if 55.5 <= t < 61 and int(t * 5) % 2 else t))
    is_told("step_works", "FAIL", lasts, "memory was at 140 MiB before and at 140 MiB after", scenario=PEAK)


def seen(what: dict[str, object], **more: object) -> Scenario:
    steps = [{"name": "clear the cache", "http": {"path": "/x"}, "seen": what}]
    return plan(steps=steps, **more)


def test_a_level_is_wanted_in_the_resources_unit() -> None:
    steps = [{"name": "clear the cache", "http": {"path": "/x"}, "seen": {"falls_below": 30}}]
    scenario = leak(resource="threads", per_request=1, steps=steps)
    is_told("step_works", "PASS", threads(), "threads were at", scenario=scenario)
    is_told("step_works", "FAIL", threads(lambda t: kept(min(t, 55.4))), "below 30 was wanted", scenario=scenario)
    is_told("step_works", "UNKNOWN", drill(flat), "no sample of threads", scenario=scenario)


def test_a_step_that_must_not_cure_passes_when_the_growth_stays() -> None:
    stays = drill(lambda t: leaking(min(t, 55.4)))
    is_told("step_does_not_cure", "PASS", stays, "0 % of the growth went away", scenario=seen({"stays_within": "20%"}))


def test_a_step_that_must_not_cure_fails_when_it_does() -> None:
    scenario = seen({"stays_within": "20%"})
    is_told("step_does_not_cure", "FAIL", drill(), "cures what it must not", "at most 20 %", scenario=scenario)


def test_a_step_that_must_not_cure_cannot_be_told_without_growth_or_without_time() -> None:
    scenario = seen({"stays_within": "20%"})
    is_told("step_does_not_cure", "UNKNOWN", drill(flat), "no growth to cure", scenario=scenario)
    soon = drill(lambda t: leaking(min(t, 55.4))).act(StepAct("the next", action="http"), 56.5, 57)
    is_told("step_does_not_cure", "UNKNOWN", soon, "nothing longer than 800 ms was watched", scenario=scenario)


def test_the_next_steps_effect_is_not_this_steps() -> None:
    record = drill(lambda t: leaking(min(t, 55.4)) if t < 58 else flat(t)).act(StepAct("restart"), 57.9, 58.2)
    scenario = seen({"falls_by": "50%"})
    is_told("step_works", "FAIL", record, "changed nothing", scenario=scenario)


def slowing(after: float) -> Callable[[float], float]:
    """Memory that grows by 6.25 MiB a second until the step, and by `after` MiB a second from then on."""
    return lambda t: leaking(min(t, 55.4)) + max(0.0, t - 55.4) * after * MIB


@pytest.mark.parametrize(
    ("level", "outcome", "words"),
    [
        (slowing(1.25), "PASS", ("memory grew by 6.25 MiB a second before and by 1.25 MiB after: 80 % slower",)),
        (slowing(5.0), "FAIL", ("slowed it too little", "20 % slower", "40 % was wanted")),
        (flat, "UNKNOWN", ("no steady growth to slow down",)),
    ],
)
def test_a_step_may_have_to_slow_the_growth(
    level: Callable[[float], float], outcome: str, words: tuple[str, ...]
) -> None:
    record = drill(level).drop("leak").act(LeakSwitchOn(leak="cache"), 15, 15.05)
    is_told("step_works", outcome, record, *words, scenario=seen({"slows_by": "40%"}))


def test_growth_that_ends_with_the_leak_was_not_slowed_by_the_step() -> None:
    record = drill(slowing(0)).drop("leak").act(LeakSwitchOn(leak="cache"), 15, 15.05)
    record.act(LeakSwitchOff(leak="cache"), 56.2, 56.3)
    is_told("step_works", "UNKNOWN", record, "too few samples of memory after it", scenario=seen({"slows_by": "40%"}))


def test_a_diagnosis_passes_when_it_was_carried_out_and_the_service_serves_on() -> None:
    scenario = seen({"nothing": True})
    is_told("step_works", "PASS", drill(flat), "nothing was to change; the service then served", scenario=scenario)
    failed = drill().drop("step").act(StepAct("clear the cache"), 55.2, 55.7, "failed", error="status 3; expected 0")
    is_told("step_works", "FAIL", failed, "status 3; expected 0", scenario=scenario)
    is_told("step_works", "UNKNOWN", drill().cut(54), "never begun", scenario=scenario)


def test_a_diagnosis_after_which_nothing_is_served_fails() -> None:
    record = drill(flat).change(
        "load",
        "requests",
        lambda e: {**e.value, "failures": max(0.0, (e.t - 55) * 100)},  # type: ignore[dict-item]
    )
    is_told("step_works", "FAIL", record, "served nothing", scenario=seen({"nothing": True}))


def test_an_alert_on_a_peak_below_the_limit_is_in_time() -> None:
    is_told(
        "alert_fires_before_oom_kill",
        "PASS",
        peaking(),
        "memory stood at most at 140 MiB",
        "nothing happened before",
        scenario=PEAK,
    )
    rises = peaking(lambda t: wave(t) + max(0.0, t - 15) * MIB / 4)
    is_told("alert_fires_before_oom_kill", "PASS", rises, "nothing happened before", scenario=PEAK)
    silent = peaking().drop("prometheus", "alert")
    is_told("alert_fires_before_oom_kill", "UNKNOWN", silent, "did not fire", scenario=PEAK)
    killed = peaking().sample(30, TargetExited(-9.0, signal="SIGKILL", oom_kill="true"))
    is_told("alert_fires_before_oom_kill", "FAIL", killed, "too late", scenario=PEAK)


def test_the_limit_that_counts_is_the_one_before_a_step_changed_it() -> None:
    record = drill().change(
        "cgroup",
        "resources",
        lambda e: {**e.value, "limit_bytes": (400.0 if e.t < 55.5 else 4000.0) * MIB},  # type: ignore[dict-item]
    )
    assert told("alert_fires_before_oom_kill", record, plan()).numbers["limit_bytes"] == pytest.approx(400 * MIB)
