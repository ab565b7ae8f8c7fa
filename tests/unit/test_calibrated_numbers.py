"""What `calibrate` writes into a plan: each number from the verdicts of a drill, with its comment, at its bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from histories import Record, plan

from leakdrill.judging.calibrated import Calibrated, to_measure
from leakdrill.record.events import LoadRequests, RunPhase
from leakdrill.record.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from leakdrill.scenario.scenario import Scenario

LONG = {"baseline": "10s", "load": "60s", "recover": "30s"}


def verdict(check: str, subject: str = "", outcome: str = "PASS", **numbers: Any) -> Verdict:
    return Verdict(check=check, subject=subject, outcome=Outcome(outcome), message="so it was", numbers=numbers)


def measured(
    verdicts: list[Verdict], scenario: Scenario | None = None, record: Record | None = None
) -> tuple[list[tuple[Any, ...]], list[str]]:
    found = Calibrated(scenario or plan(phases=LONG), verdicts)
    found.measure((record or Record()).history())
    return [(edit.loc, edit.value, edit.comment) for edit in found.edits], found.unknown


def reports(tasks: list[tuple[float, float | None]], *, start: float = 5.0, end: float = 15.0) -> Record:
    record = Record().act(RunPhase(phase="baseline"), start, end)
    for t, count in tasks:
        record.sample(t, LoadRequests(tasks=count, requests=1.0))
    return record


def test_a_plan_that_holds_needs_no_number() -> None:
    assert measured([verdict("target_keeps_running")]) == ([], [])


RATE = ("load", "rate")


@pytest.mark.parametrize(
    ("reached", "edits"),
    [
        (100.0, [(RATE, "100/s", "rate: 100/s in the baseline")]),
        (90.0, [(RATE, "100/s", "rate: 90/s in the baseline")]),
        (89.9, [(RATE, "80/s", "rate: the users reached 89.9/s of 100/s")]),
        (1.0, [(RATE, "1/s", "rate: the users reached 1/s of 100/s")]),
        (2.0, [(RATE, "1/s", "rate: the users reached 2/s of 100/s")]),
        (2.3, [(RATE, "2/s", "rate: the users reached 2.3/s of 100/s")]),
        (0.9, []),
    ],
)
def test_a_rate_is_what_was_reached_in_the_baseline(reached: float, edits: list[tuple[Any, ...]]) -> None:
    scenario = plan(phases=LONG, load={"locustfile": "l.py", "rate": "100/s"})
    record = reports([(4.9, 0.0), (5.0, 500.0), (9.0, 0.0), (15.0, 500.0 + 10 * reached), (15.1, 1e9)])
    assert measured([], scenario, record)[0] == edits


def test_a_rate_lies_between_two_reports_of_the_baseline() -> None:
    asked = plan(phases=LONG, load={"locustfile": "l.py", "rate": "100/s"})
    assert measured([], asked, reports([(5.0, 500.0)])) == ([], [])
    assert measured([], asked, Record().sample(5.0, LoadRequests(tasks=1.0)).sample(6.0, LoadRequests(tasks=2.0))) == (
        [],
        [],
    )
    assert measured([], None, reports([(5.0, 0.0), (15.0, 1000.0)])) == ([], [])
    two = measured([], asked, reports([(5.0, None), (6.0, 95.0)]))[0]
    assert two == [(RATE, "100/s", "rate: 95/s in the baseline")]


def leak(low: float, per_request: float, high: float, unit: str = "bytes", **more: Any) -> Verdict:
    numbers = {f"{unit}_per_request_low": low, f"{unit}_per_request": per_request, f"{unit}_per_request_high": high}
    return verdict("leak_grows_as_declared", "cache", **numbers, **more)


PER_REQUEST = ("leaks", 0, "per_request")


@pytest.mark.parametrize(
    ("low", "per_request", "high", "value", "told"),
    [
        (65_000.0, 65_536.0, 66_000.0, "64KiB", "63.5KiB to 64.5KiB"),
        (1_000_000.0, 1_048_576.0, 1_100_000.0, "1MiB", "977KiB to 1.05MiB"),
        (1_023.0, 1_023.9, 1_024.0, "1020B", "1020B to 1KiB"),
        (0.5, 0.96, 1.0, "0.96B", "0.5B to 1B"),
    ],
)
def test_a_leak_is_what_was_measured(low: float, per_request: float, high: float, value: str, told: str) -> None:
    comment = f"per_request: {value}, 95 % interval {told}"
    assert measured([leak(low, per_request, high)])[0] == [(PER_REQUEST, value, comment)]


def test_a_leak_of_cpu_time_is_told_in_milliseconds_and_of_descriptors_in_numbers() -> None:
    cpu = plan(phases=LONG, leaks=[{"name": "cache", "resource": "cpu", "per_request": "1ms"}])
    edits = measured([leak(0.0011, 0.00123456, 0.0013, "seconds")], cpu)[0]
    assert edits == [(PER_REQUEST, "1.23ms", "per_request: 1.23ms, 95 % interval 1.1ms to 1.3ms")]
    files = plan(phases=LONG, leaks=[{"name": "cache", "resource": "descriptors", "per_request": 1}])
    edits = measured([leak(0.9, 1.0, 1.123456, "descriptors")], files)[0]
    assert edits in ([], [(PER_REQUEST, "1", "per_request: 1, 95 % interval 0.9 to 1.12")])


def test_a_leak_that_cannot_be_told_is_not_written() -> None:
    good = leak(1.0, 2.0, 3.0)
    two = plan(phases=LONG, leaks=[{"name": "cache"}, {"name": "other"}])
    peak = plan(phases=LONG, leaks=[{"name": "cache", "peak": "100MiB"}])
    assert measured([good], two)[0] == measured([good], peak)[0] == []
    assert measured([verdict("leak_grows_as_declared", "other", bytes_per_request=1.0)])[0] == []
    assert measured([leak(1.0, 2.0, 3.0, outcome="UNKNOWN")])[0] == []
    assert measured([verdict("leak_grows_as_declared", "cache", bytes_per_request=1.0)])[0] == []
    apart = plan(phases=LONG, leaks=[{"name": "other", "resource": "threads", "per_request": 1}, {"name": "cache"}])
    assert measured([good], apart)[0] == [
        (("leaks", 1, "per_request"), "2B", "per_request: 2B, 95 % interval 1B to 3B")
    ]


ALERT = ("alerts", "expect", 0)


def fires(seconds: Any, **more: Any) -> Verdict:
    return verdict("alert_fires_in_time", "HighMemoryUsage", fired_after_s=seconds, **more)


def resolves(seconds: Any, **more: Any) -> Verdict:
    return verdict("alert_resolves_and_stays_resolved", "HighMemoryUsage", cleared_after_s=seconds, **more)


@pytest.mark.parametrize(
    ("seconds", "within", "told"), [(20.0, "32s", "20 s"), (20.1, "33s", "20 s"), (0.0, "2s", "0 s"), (3, "7s", "3 s")]
)
def test_an_alert_fires_within_half_as_long_again(seconds: float, within: str, told: str) -> None:
    edits = measured([fires(seconds)])[0]
    assert edits == [((*ALERT, "fires_within"), within, f"fires_within: fired after {told}")]


@pytest.mark.parametrize(
    ("seconds", "within", "told"),
    [(10.0, "17s", "10 s"), (5.0, "10s", "5 s"), (5.4, "11s", "5.4 s"), (-3.0, "10s", "0 s"), (0.0, "10s", "0 s")],
)
def test_an_alert_resolves_within_half_as_long_again_and_ten_seconds(seconds: float, within: str, told: str) -> None:
    edits = measured([resolves(seconds)])[0]
    assert edits == [((*ALERT, "resolves_within"), within, f"resolves_within: cleared {told} after the last step")]


def test_what_was_not_told_of_an_alert_is_not_written() -> None:
    for told in (fires(None), fires("soon"), fires(3.0, outcome="FAIL"), resolves(None), resolves(3.0, outcome="FAIL")):
        assert [edit for edit in measured([told])[0] if edit[0][0] == "alerts"] == []


def phase(name: str, value: str, was: str) -> tuple[Any, ...]:
    return ("phases", name), value, f"{name}: {was} would be too short"


def test_phases_last_five_seconds_longer_than_what_is_claimed_in_them() -> None:
    short = plan(phases={"baseline": "9s", "load": "36s", "recover": "21s"})
    edits = [edit for edit in measured([fires(20.0), resolves(10.0)], short)[0] if edit[0][0] == "phases"]
    assert edits == [phase("baseline", "10s", "9 s"), phase("load", "37s", "36 s"), phase("recover", "30s", "21 s")]
    long = plan(phases={"baseline": "10s", "load": "37s", "recover": "36s"})
    assert [e for e in measured([fires(20.0), resolves(20.0)], long)[0] if e[0][0] == "phases"] == [
        phase("recover", "37s", "36 s")
    ]
    assert [e for e in measured([], plan(phases={"recover": "29s", "baseline": "20s"}))[0] if e[0][0] == "phases"] == [
        phase("recover", "30s", "29 s")
    ]


def returns(high: Any = 12.0, base: Any = 100.0, outcome: str = "FAIL") -> Verdict:
    return verdict("memory_returns_to_baseline", "", outcome, difference_high_bytes=high, baseline_bytes=base)


CURED = verdict("step_works", "clear the cache")
LEVEL = ("expect", "memory", "level")


@pytest.mark.parametrize(
    ("high", "edits"),
    [
        (12.0, [(LEVEL, "15%", "level: 12 % above the baseline after the steps")]),
        (20.8, [(LEVEL, "25%", "level: 20.8 % above the baseline after the steps")]),
        (25.1 / 1.2, []),
        (9.9 / 1.2, []),
        (10.1 / 1.2, [(LEVEL, "11%", "level: 8.42 % above the baseline after the steps")]),
    ],
)
def test_a_margin_is_widened_by_a_fifth_more_than_is_left_and_to_a_quarter(
    high: float, edits: list[tuple[Any, ...]]
) -> None:
    scenario = plan(phases=LONG, expect={"memory": {"level": "10%"}})
    assert measured([returns(high), CURED], scenario)[0] == edits


def test_a_margin_is_widened_only_where_every_step_cured() -> None:
    scenario = plan(phases=LONG, expect={"memory": {"level": "10%"}})
    failed = verdict("step_works", "other", "FAIL")
    for others in ([], [failed], [CURED, failed], [verdict("step_does_not_cure", "x")]):
        assert measured([returns(), *others], scenario)[0] == []
    for told in (returns(outcome="PASS"), returns(None), returns(12.0, None), returns(12.0, 0.0), returns("x")):
        assert measured([told, CURED], scenario)[0] == []
    assert measured([returns(12, 100, outcome="UNKNOWN"), CURED], scenario)[0][0][1] == "15%"


def latency(p99_s: Any, outcome: str = "FAIL") -> Verdict:
    return verdict("requests_keep_latency", "", outcome, p99_s=p99_s)


RATE_OK = verdict("requests_keep_error_rate")


def test_latency_is_half_as_long_again_where_no_request_failed() -> None:
    assert measured([latency(0.2), RATE_OK])[0] == [(("expect", "p99"), "300ms", "p99: p99 was 200 ms")]
    assert measured([latency(0.2001), RATE_OK])[0][0][1] == "301ms"
    for verdicts in (
        [latency(0.2)], [latency(0.2), verdict("requests_keep_error_rate", "", "FAIL")], [latency(None), RATE_OK],
        [latency(0.2, "PASS"), RATE_OK], [latency(0.2, "UNKNOWN"), RATE_OK],
    ):  # fmt: skip
        assert measured(verdicts)[0] == []


def test_what_the_numbers_do_not_mend_is_told_failures_first() -> None:
    failed, unknown = verdict("step_works", "clear", "FAIL"), verdict("target_keeps_running", "", "UNKNOWN")
    assert measured([CURED, failed, unknown])[1] == ["FAIL step_works clear: so it was"]
    assert measured([CURED, unknown])[1] == ["UNKNOWN target_keeps_running: so it was"]
    assert measured([latency(0.2), RATE_OK])[1] == []
    assert measured([latency(0.2)])[1] == ["FAIL requests_keep_latency: so it was"]
    scenario = plan(phases=LONG, expect={"memory": {"level": "10%"}})
    assert measured([returns(), CURED], scenario)[1] == []
    assert measured([returns(50.0), CURED], scenario)[1] == ["FAIL memory_returns_to_baseline: so it was"]
    asked = plan(phases=LONG, load={"locustfile": "l.py", "rate": "100/s"})
    load = verdict("load_is_as_asked", "", "UNKNOWN")
    assert measured([load], asked, reports([(5.0, 0.0), (15.0, 500.0)]))[1] == []
    assert measured([load], asked)[1] == ["UNKNOWN load_is_as_asked: so it was"]


def test_to_measure_nothing_is_declared_and_there_is_time() -> None:
    scenario = plan(phases={"baseline": "5s", "load": "40s", "recover": "20s"})
    asked = to_measure(scenario, longest_s=600.0)
    assert (asked.phases.baseline, asked.phases.load, asked.phases.recover) == (10.0, 600.0, 30.0)
    assert [one.per_request for one in asked.leaks] == [None]
    (alert,) = asked.alerts.expect
    assert (alert.fires_within, alert.resolves_within) == (600.0, 25.0)
    long = to_measure(plan(phases={"baseline": "11s", "load": "40s", "recover": "40s"}), longest_s=30.0)
    assert (long.phases.baseline, long.phases.load, long.phases.recover) == (11.0, 40.0, 40.0)
    assert long.alerts.expect[0].resolves_within == 35.0
    silent = to_measure(plan(alerts={"rules": ["r.yml"]}, phases={"load": "40s"}, steps=[]), longest_s=600.0)
    assert silent.phases.load == 40.0
