"""Which alerts break the silence, at the bounds of the watch: its beginning, its end, and what was pending before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from histories import Record, drill, plan

from leakdrill.judging.checks.silence import describe, other_alerts_stay_silent
from leakdrill.judging.evidence.windows import alerts_watched_from_s, watched_until_s
from leakdrill.record.events import AlertTransition, RuleError
from leakdrill.record.verdict import Outcome
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

CPU = {"alertname": "HighCpu", "severity": "critical"}
DISK = {"alertname": "DiskFull", "severity": ""}
BEGAN_S = alerts_watched_from_s(drill().history(), plan()) or 0.0
END_S = watched_until_s(drill().history())
HINT = "if they belong to this failure, name them under `alerts.expect` or `alerts.may_fire`"


def judged(record: Record, scenario: Scenario | None = None) -> Verdict:
    return other_alerts_stay_silent(record.history(), scenario=scenario or plan())


def named(**alerts: Any) -> Scenario:
    expect = [{"alert": "HighMemoryUsage", "fires_within": "30s"}]
    return plan(alerts={"rules": ["r"], "expect": expect, **alerts})


@pytest.mark.parametrize(
    ("fired_s", "outcome"),
    [
        (BEGAN_S - 0.5, Outcome.PASS),
        (BEGAN_S, Outcome.FAIL),
        (BEGAN_S + 0.5, Outcome.FAIL),
        (END_S, Outcome.FAIL),
        (END_S + 0.5, Outcome.PASS),
    ],
)
def test_an_alert_counts_from_the_leak_s_beginning_to_the_end_of_the_watch(fired_s: float, outcome: Outcome) -> None:
    assert judged(drill().alert(fired_s, "firing", **CPU)).outcome is outcome


@pytest.mark.parametrize(
    ("pending_s", "fired_s", "outcome"),
    [
        (BEGAN_S - 0.5, BEGAN_S + 5, Outcome.PASS),
        (BEGAN_S - 0.5, BEGAN_S, Outcome.PASS),
        (BEGAN_S, BEGAN_S + 5, Outcome.FAIL),
        (BEGAN_S + 0.5, BEGAN_S + 5, Outcome.FAIL),
    ],
)
def test_what_was_pending_before_the_beginning_is_noise(pending_s: float, fired_s: float, outcome: Outcome) -> None:
    verdict = judged(drill().alert(pending_s, "pending", **CPU).alert(fired_s, "firing", **CPU))
    assert verdict.outcome is outcome
    assert ("not counted: HighCpu (critical)" in verdict.message) == (outcome is Outcome.PASS)
    assert verdict.numbers["noise_alerts"] == (outcome is Outcome.PASS)


def test_what_was_pending_does_not_excuse_another_series() -> None:
    record = drill().alert(BEGAN_S - 1, "pending", **CPU).alert(BEGAN_S + 5, "firing", **DISK)
    assert judged(record).outcome is Outcome.FAIL


def test_each_series_is_named_once_with_its_first_moment_and_every_line_is_kept() -> None:
    record = drill().alert(BEGAN_S - 2, "firing", alertname="Noisy", severity="")
    for at_s, labels in ((3, DISK), (4, CPU), (8, DISK)):
        record = record.alert(BEGAN_S + at_s, "firing", **labels).alert(BEGAN_S + at_s + 1, "resolved", **labels)
    verdict = judged(record)
    fired = [
        event.index
        for event in record.history().of(AlertTransition)
        if event.state == "firing" and event.labels["alertname"] in ("DiskFull", "HighCpu")
    ]
    assert verdict.message == (
        "alerts fired that nobody expects: DiskFull after 3 s, HighCpu (critical) after 4 s; "
        "already firing or pending before, so not counted: Noisy"
    )
    assert verdict.numbers == {"unexpected_alerts": 2, "noise_alerts": 1}
    assert sorted(verdict.events) == sorted(fired)
    assert verdict.hint == HINT


def test_noise_is_named_once_and_in_order() -> None:
    record = drill()
    for at_s, labels in ((-4, DISK), (-3, CPU), (6, DISK)):
        record = record.alert(BEGAN_S + at_s, "firing", **labels).alert(BEGAN_S + at_s + 0.5, "resolved", **labels)
    verdict = judged(record)
    assert verdict.message.endswith("; already firing or pending before, so not counted: DiskFull, HighCpu (critical)")
    assert verdict.numbers == {"watched_s": END_S - BEGAN_S, "unexpected_alerts": 0, "noise_alerts": 2}


def test_silence_tells_how_long_it_was_watched() -> None:
    verdict = judged(drill())
    assert verdict.message == f"no other alert fired in {show_duration(END_S - BEGAN_S)}"
    assert verdict.numbers == {"watched_s": END_S - BEGAN_S, "unexpected_alerts": 0, "noise_alerts": 0}
    assert verdict.check == "other_alerts_stay_silent"


@pytest.mark.parametrize(
    ("alerts", "outcome"),
    [
        ({}, Outcome.FAIL),
        ({"may_fire": [{"alert": "HighCpu"}]}, Outcome.PASS),
        ({"may_fire": [{"alert": "DiskFull"}]}, Outcome.FAIL),
        ({"silent": [{"alert": "DiskFull"}]}, Outcome.PASS),
        ({"silent": [{"alert": "DiskFull"}, {"alert": "HighCpu"}]}, Outcome.FAIL),
        ({"silent": []}, Outcome.PASS),
    ],
)
def test_only_what_must_be_silent_and_may_not_fire_counts(alerts: dict[str, Any], outcome: Outcome) -> None:
    assert judged(drill().alert(BEGAN_S + 5, "firing", **CPU), named(**alerts)).outcome is outcome


def test_what_may_fire_and_did_is_said() -> None:
    verdict = judged(drill().alert(BEGAN_S + 5, "firing", **CPU), named(may_fire=[{"alert": "HighCpu"}]))
    assert "no other alert fired in " in verdict.message
    assert ", beside what may: HighCpu" in verdict.message


def test_silence_is_doubtful_while_prometheus_does_not_answer() -> None:
    record = drill().drop("prometheus", "poll", after=40, until=43).drop("prometheus", "poll", after=50, until=56)
    verdict = judged(record)
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.message == "no other alert was seen, but Prometheus did not answer for 3.5 s", "the first time"
    assert 6 <= verdict.numbers["longest_silence_s"] < 8
    assert verdict.hint == "see the verdict measurements_are_complete"


def test_silence_is_doubtful_while_a_rule_fails() -> None:
    record = drill().sample(20, RuleError("bad matching", rule="HighCpu"))
    verdict = judged(record)
    error = record.history().of(RuleError)[0]
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.message == ("no other alert was seen, but the rule HighCpu could not be evaluated: bad matching")
    assert list(verdict.events) == [error.index]
    assert verdict.hint == "run the expression in promtool"


def test_a_drill_without_a_leak_s_beginning_has_nothing_to_watch() -> None:
    verdict = judged(drill().drop("leak"))
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.message == "the drill ended before there was anything to watch"
    assert verdict.hint == "see the verdict measurements_are_complete"


def test_an_alert_is_named_with_its_severity_where_it_has_one() -> None:
    assert describe(AlertTransition("firing", labels=CPU)) == "HighCpu (critical)"
    assert describe(AlertTransition("firing", labels=DISK)) == "DiskFull"
    assert describe(AlertTransition("firing", labels={})) == "?"
