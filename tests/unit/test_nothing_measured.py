"""Nothing measured is no measurement: of a service that ended, and of readings that cannot be, no claim passes.

Records of real drills, of a process, of replicas, of pods, of a twin, of the gate and of a watched command, are spoilt
as a crash, an empty control group, a broken meter or a broken page of metrics spoil them.
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from histories import MIB, drill, flat, leaking, plan, twin, twin_plan

from leakdrill.errors import BadInput
from leakdrill.judging.doubted import find_doubts
from leakdrill.judging.drill import judge_claims
from leakdrill.record.event import read_event
from leakdrill.record.events import (
    CgroupResources,
    MachineCpu,
    MachineFigures,
    NetworkInterfaces,
    ProcessDetails,
    SelectorMatches,
    ServiceMetrics,
    TargetExited,
)
from leakdrill.record.verdict import worst

sys.path.append(str(Path(__file__).parents[1] / "sabotage"))
from tape import Span, Tape

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.event import Event
    from leakdrill.record.verdict import Verdict

OF_THE_SERVICE: Final = frozenset({"cgroup", "process", "pod", "replica", "service", "filesystem"})
ON_MEMORY: Final = ("memory_returns_to_baseline", "memory_does_not_grow")
RESTS_ON_READINGS: Final = (*ON_MEMORY, "step_works", "disk_returns_to_baseline")


def _numbers(event: Event, new: Callable[[str, float], float]) -> Event:
    values = event.value if isinstance(event.value, dict) else {}
    return replace(
        event, value={name: number if name == "requests" else new(name, number) for name, number in values.items()}
    )


def _nothing(name: str, number: float) -> float:
    """What is read of a service that is not there."""
    return number if name == "limit_bytes" else 0.0


def _empty(name: str, number: float) -> float:
    """An empty control group: its limits and counts stand, and nothing is in it."""
    return 0.0 if name.endswith("bytes") and name not in ("limit_bytes", "size_bytes") else number


SPOILT: Final[dict[str, Callable[[str, float], float]]] = {
    "zero": _nothing,
    "an empty control group": _empty,
    "negative": lambda _, number: -abs(number) - 1,
    "no number": lambda _, __: math.nan,
    "infinite": lambda _, __: math.inf,
    "a few bytes": lambda name, number: number * 1e-6 if name.endswith("bytes") and name != "limit_bytes" else number,
    "beyond every machine": lambda _, __: 1e18,
}


def _spoilt(base: str, phase: str, way: str) -> Tape:
    """A good record in which every meter of the service reads in one phase what `way` says."""
    tape = Tape(base)
    span = tape.phases[phase]
    picked = lambda e: e.source in OF_THE_SERVICE and isinstance(e.value, dict) and span.of(e.t)  # noqa: E731
    return tape.change(picked, lambda event: _numbers(event, SPOILT[way]))


def _passed(verdicts: list[Verdict], checks: tuple[str, ...] = RESTS_ON_READINGS) -> list[str]:
    return [verdict.check for verdict in verdicts if verdict.check in checks and verdict.outcome == "PASS"]


PHASES: Final = {
    "cache": ("baseline", "load", "recover"),
    "twin": ("baseline", "load"),
    "disk": ("baseline", "recover"),
    "replicas": ("baseline", "load"),
    "pods": ("baseline", "load", "recover"),
    "sealed": ("baseline", "recover"),
    "limits": ("baseline",),
}


@pytest.mark.long
@pytest.mark.parametrize("way", ["zero", "an empty control group", "negative", "no number", "a few bytes"])
@pytest.mark.parametrize(("base", "phase"), [(base, phase) for base, phases in PHASES.items() for phase in phases])
def test_a_drill_whose_meters_read_nothing_passes_nowhere(base: str, phase: str, way: str) -> None:
    verdicts = _spoilt(base, phase, way).verdicts()
    assert str(worst(verdicts)) in ("UNKNOWN", "FAIL"), (base, phase, way)
    if base in ("cache", "twin", "sealed") and phase != "recover":
        assert not _passed(verdicts, ON_MEMORY)


@pytest.mark.parametrize("way", ["infinite", "beyond every machine"])
@pytest.mark.parametrize("base", ["cache", "pods", "twin"])
def test_a_reading_beyond_every_number_is_no_measurement(base: str, way: str) -> None:
    assert str(worst(_spoilt(base, "baseline", way).verdicts())) in ("UNKNOWN", "FAIL")


@pytest.mark.long
@pytest.mark.parametrize("told", [True, False], ids=["told", "not told"])
@pytest.mark.parametrize("when", ["baseline", "load", "recover"])
@pytest.mark.parametrize("base", ["cache", "twin", "disk", "replicas", "pods", "sealed"])
def test_a_service_that_ended_passes_no_claim_on_what_is_read_after_it(base: str, when: str, told: bool) -> None:
    """With its end in the record, and without: zeros are averaged into nothing."""
    tape = Tape(base)
    span = tape.phases.get(when)
    if span is None or span.end - span.start < 2:
        pytest.skip(f"{base} has no `{when}` of two seconds")
    middle = (span.start + span.end) / 2
    gone = Span(middle, 1e9)
    tape.change(lambda e: e.source in OF_THE_SERVICE and gone.of(e.t), lambda event: _numbers(event, _nothing))
    if told:
        end = replace(TargetExited(signal="SIGKILL", exit_code="-9"), t=middle, run_phase=when)
        tape.add(end.to_event())
    verdicts = tape.verdicts()
    assert str(worst(verdicts)) in ("UNKNOWN", "FAIL")
    claims = ("memory_returns_to_baseline",) if when == "recover" else ON_MEMORY
    assert not _passed(verdicts, claims)


@pytest.mark.parametrize(
    "end",
    [
        TargetExited(exit_code="0"),
        TargetExited(exit_code="1"),
        TargetExited(signal="SIGSEGV"),
        TargetExited(oom_kill="true"),
        TargetExited(reason="Evicted", pod="shop-1"),
    ],
    ids=["by itself", "an error", "a crash", "killed for memory", "evicted"],
)
@pytest.mark.parametrize("t", [10, 30, 55.8, 62])
def test_after_an_end_that_nobody_asked_for_memory_that_is_back_proves_nothing(end: TargetExited, t: float) -> None:
    record = drill()
    record.sample(t, replace(end, at=t))
    told = {v.check: v for v in judge_claims(record.history(), plan())}
    assert told["target_keeps_running"].outcome == "FAIL"
    assert told["memory_returns_to_baseline"].outcome == "UNKNOWN"
    assert "not of one service that went on" in told["memory_returns_to_baseline"].message


def test_an_end_that_the_scenario_expects_leaves_the_rest_to_be_judged() -> None:
    record = drill()
    record.sample(30.0, replace(TargetExited(oom_kill="true"), at=30.0))
    told = {v.check: v.outcome for v in judge_claims(record.history(), plan(expect={"oom_kills": 1}))}
    assert told["memory_returns_to_baseline"] == "PASS"


def test_memory_that_stayed_high_stays_a_fail_after_an_end() -> None:
    record = drill(lambda t: leaking(t) if t < 56 else 200.0 * MIB)
    record.sample(60.0, replace(TargetExited(exit_code="1"), at=60.0))
    told = {v.check: v.outcome for v in judge_claims(record.history(), plan())}
    assert told["memory_returns_to_baseline"] == "FAIL"


@pytest.mark.parametrize("memory", [0.0, 1.0, 100.0, 4095.0])
@pytest.mark.parametrize(("start", "end"), [(5, 15), (20, 55), (62, 72)])
def test_less_than_a_page_is_no_memory_of_a_service(memory: float, start: float, end: float) -> None:
    """A twin that was killed passed, because its zeros were averaged in."""
    record = twin(lambda t: memory if start <= t <= end else flat(t))
    told = {v.check: v.outcome for v in judge_claims(record.history(), twin_plan())}
    if end < 60:
        assert told["memory_does_not_grow"] == "UNKNOWN"
    assert any("of a service that ran" in doubt.text for doubt in find_doubts(record.history(), twin_plan()))


@pytest.mark.parametrize("number", [-1.0, -1e9, 1e18, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "name",
    [
        'http_requests_total{path="/"}',
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
        "requests",
    ],
)
def test_a_page_of_metrics_that_counts_less_than_nothing_is_in_doubt(name: str, number: float) -> None:
    record = twin()
    for t in range(3, 70):
        record.sample(t, ServiceMetrics(others={name: number if t == 40 else float(t), "my_gauge": -5.0}))
    texts = [doubt.text for doubt in find_doubts(record.history(), twin_plan())]
    assert any("service metrics at 40 s says what cannot be" in text for text in texts)


@pytest.mark.parametrize(("less", "text"), [(0.0, ""), (3e9, "machine figures at 40 s says what cannot be")])
def test_a_machine_may_have_counted_for_years(less: float, text: str) -> None:
    """Moments in Unix time, seconds of many CPUs since boot, and a limit that is the largest number: all can be."""
    record = twin()
    for t in range(3, 70):
        booted = 1.8e9 - (less if t == 40 else 0.0)
        record.sample(t, MachineFigures(cpus=256.0, idle_seconds=3e9, max_open_files=9.2e18, booted_at_seconds=booted))
        record.sample(t, ProcessDetails(oldest_start_seconds=1.8e9))
        record.sample(t, NetworkInterfaces(others={"eth0.receive_bytes": 2.0**55, "eth0.speed_bytes": 1.25e10}))
        record.sample(t, MachineCpu(cpus=256.0, used_seconds=2e9, idle_seconds=3e9, stolen_seconds=0.0))
    texts = [doubt.text for doubt in find_doubts(record.history(), twin_plan()) if "cannot be" in doubt.text]
    assert [text in one for one in texts] == ([True] if text else [])


def test_a_gauge_of_the_service_s_own_may_be_negative() -> None:
    record = twin()
    for t in range(3, 70):
        record.sample(t, ServiceMetrics(others={"temperature_celsius": -5.0, "balance_total": -3.0}))
    assert not any("service metrics" in doubt.text for doubt in find_doubts(record.history(), twin_plan()))


@pytest.mark.parametrize("number", [-1.0, math.nan, math.inf])
def test_a_number_of_series_that_cannot_be_is_in_doubt(number: float) -> None:
    record = drill().sample(10, SelectorMatches(number, alert="HighMemoryUsage", selector="a", severity="warning"))
    assert any("prometheus selector" in doubt.text for doubt in find_doubts(record.history(), plan()))


def test_requests_of_no_user_are_in_doubt() -> None:
    record = drill()
    record.events = [
        replace(e, value={**e.value, "users": 0.0}, phase="load")
        if e.source == "load" and isinstance(e.value, dict)
        else e
        for e in record.events
    ]
    assert any("of no user" in doubt.text for doubt in find_doubts(record.history(), plan()))


def test_quantiles_in_the_wrong_order_are_in_doubt() -> None:
    record = drill()
    record.events = [
        replace(e, value={**e.value, "p50_ms": 10.0, "p95_ms": 0.0})
        if e.source == "load" and isinstance(e.value, dict)
        else e
        for e in record.events
    ]
    assert any("p50_ms is 10 and p95_ms 0" in doubt.text for doubt in find_doubts(record.history(), plan()))


@pytest.mark.parametrize("value", ['"12"', '{"anon_bytes": "12"}', '{"anon_bytes": null}', "true", "[1]", '{"a": [1]}'])
def test_what_is_no_number_is_no_line_of_a_record(value: str) -> None:
    """The reader refuses it: exit code 3."""
    line = f'{{"index":0,"t":1.0,"phase":"load","source":"cgroup","kind":"sample","name":"resources","value":{value}}}'
    if value == '"12"':
        read = CgroupResources.from_event(read_event(line.encode(), "here"))
        assert read.values == {}
        return
    with pytest.raises(BadInput):
        read_event(line.encode(), "here")


@pytest.mark.parametrize("base", ["gate", "watch"])
@pytest.mark.parametrize("way", ["zero", "negative", "no number", "infinite"])
def test_the_gate_and_a_watched_command_pass_on_no_such_reading(base: str, way: str) -> None:
    tape = Tape(base)
    sources = {"gate"} if base == "gate" else {"watch"}

    def changed(event: Event) -> Event:
        values: dict[str, Any] = event.value if isinstance(event.value, dict) else {}
        new = SPOILT[way]
        return replace(event, value={n: new(n, v) if n.endswith("_bytes") else v for n, v in values.items()})

    tape.change(lambda e: e.source in sources and isinstance(e.value, dict), changed)
    assert str(worst(tape.verdicts())) in ("UNKNOWN", "FAIL")
