"""Whether an alert cleared in time after the last step and stayed clear: each rule at its bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from histories import ALERT, Record, plan

from leakdrill.judging.checks.resolution import RESOLVES, alert_resolves_and_stays_resolved
from leakdrill.record.events import AlertTransition, LeakSwitchOn, Notice, PrometheusPoll, RunPhase, StepAct

if TYPE_CHECKING:
    from leakdrill.record.verdict import Verdict

STEP = {"name": "clear", "http": {"path": "/x"}}
LOOK: dict[str, Any] = {"name": "look", "http": {"path": "/x"}, "seen": {"nothing": True}}
STAYS: dict[str, Any] = {"name": "look", "http": {"path": "/x"}, "seen": {"stays_within": "10%"}}


def record(*states: tuple[float, str], fired: float | None = 35.0, until: float = 80.0) -> Record:
    """A leak from 15 s on, an alert that fires at 35 s, a step from 50 to 51 s; watched until 80 s, 29 s after it."""
    made = Record().act(RunPhase("baseline"), 5, 14).act(RunPhase("recover"), 52, until).sample(90, Notice("last"))
    made.act(LeakSwitchOn(leak="cache"), 15, 15.1).act(StepAct("clear", action="http"), 50, 51)
    for half in range(181):
        made.sample(half / 2, PrometheusPoll(up=1.0))
    for t, state in [*([(fired, "firing")] if fired is not None else []), *states]:
        made.sample(t + 0.2, AlertTransition(state, labels=ALERT, at=t))
    return made


def judged(
    made: Record, *, steps: list[dict[str, Any]] | None = None, within: str = "10s", interval: str = "1s"
) -> Verdict:
    asked = plan(
        steps=steps or [STEP],
        alerts={
            "rules": ["rules.yml"], "evaluation_interval": interval,
            "expect": [{"alert": "HighMemoryUsage", "fires_within": "30s", "resolves_within": within}],
        },
    )  # fmt: skip
    return alert_resolves_and_stays_resolved(made.history(), alert=asked.alerts.expect[0], scenario=asked)


def times(made: Record, verdict: Verdict) -> list[float | None]:
    return [made.history().events[index].at for index in verdict.events]


@pytest.mark.parametrize(
    ("cleared", "outcome", "side"),
    [
        (51.0, "PASS", "0 s after"),
        (50.5, "PASS", "500 ms before"),
        (55.0, "PASS", "4 s after"),
        (61.0, "PASS", "10 s after"),
        (62.0, "FAIL", "11 s after"),
    ],
)
def test_an_alert_clears_in_time_after_the_end_of_the_last_step(cleared: float, outcome: str, side: str) -> None:
    made = record((cleared, "resolved"))
    verdict = judged(made)
    assert verdict.outcome == outcome
    assert verdict.message.startswith(f"HighMemoryUsage cleared {side} the end of the last step; it had 10 s")
    assert verdict.numbers["cleared_after_s"] == pytest.approx(cleared - 51)
    assert (verdict.numbers["budget_s"], verdict.numbers["watched_s"]) == (10, 29)
    assert times(made, verdict) == [35, cleared]
    if outcome == "PASS":
        assert verdict.message.endswith("s that followed")
        assert verdict.numbers["clear_for_s"] == pytest.approx(29 - (cleared - 51))
    else:
        assert verdict.hint == "a long range in the rule, or `keep_firing_for`, keeps it firing"


def test_what_never_fired_or_saw_no_step_cannot_clear() -> None:
    silent = judged(record(fired=None))
    assert (silent.outcome, silent.message, silent.hint) == (
        "UNKNOWN",
        "HighMemoryUsage did not fire, so there is nothing to clear",
        "see alert_fires_in_time",
    )
    assert judged(record(fired=80.5)).message == silent.message
    early = judged(record((20, "resolved"), fired=14))
    assert early.message == silent.message
    text = "the drill ended before HighMemoryUsage could clear: no step was completed or `recover` was not reached"
    stepless = judged(record((55, "resolved")).drop("step"))
    unrecovered = record((55, "resolved"))
    unrecovered.events = [event for event in unrecovered.events if event.labels.get("phase") != "recover"]
    for verdict in (stepless, judged(unrecovered)):
        assert (verdict.outcome, verdict.message) == ("UNKNOWN", text)
        assert verdict.hint == "see the verdict measurements_are_complete"


def test_an_alert_that_fires_again_after_its_time_failed() -> None:
    made = record((55, "resolved"), (58, "pending"), (65, "firing"))
    verdict = judged(made)
    assert (verdict.outcome, verdict.message) == (
        "FAIL", "HighMemoryUsage cleared and fired again 14 s after the last step",
    )  # fmt: skip
    assert verdict.numbers == {"fired_again_after_s": 14}
    assert (verdict.hint, times(made, verdict)) == ("the step treats the symptom and not the cause", [35, 55, 58, 65])
    first = judged(record((55, "resolved"), (65, "firing"), (66, "resolved"), (70, "firing")))
    assert first.message.endswith("14 s after the last step")


@pytest.mark.parametrize(
    ("states", "outcome"),
    [
        ([(52, "resolved"), (53, "firing"), (61, "resolved")], "PASS"),
        ([(52, "resolved"), (53, "firing"), (61.1, "resolved")], "FAIL"),
        ([(40, "resolved"), (45, "firing"), (70, "resolved")], "FAIL"),
        ([(40, "resolved"), (51, "firing"), (55, "resolved")], "PASS"),
        ([(40, "resolved"), (51, "firing"), (62, "resolved")], "FAIL"),
    ],
)
def test_an_alert_may_flap_while_the_step_takes_effect(states: list[tuple[float, str]], outcome: str) -> None:
    assert judged(record(*states)).outcome == outcome


def test_an_alert_that_began_again_before_the_steps_end_is_late_and_did_not_fire_again() -> None:
    verdict = judged(record((40, "resolved"), (51, "firing"), (62, "resolved")))
    assert verdict.message == "HighMemoryUsage cleared 11 s after the end of the last step; it had 10 s"


def test_an_alert_that_something_else_cleared_says_nothing_of_the_step() -> None:
    made = record((45, "resolved"))
    verdict = judged(made)
    assert (verdict.outcome, verdict.message) == (
        "UNKNOWN",
        "HighMemoryUsage cleared 5 s before the first step that cures: something else cleared it",
    )
    assert (verdict.numbers, times(made, verdict)) == ({"cleared_before_s": 5}, [35, 45])
    assert verdict.hint == "the leak must go on until the step; is there another cure, or was the alert's rule changed?"
    assert judged(record((50, "resolved"))).outcome == "PASS"


@pytest.mark.parametrize(("look", "outcome"), [(LOOK, "UNKNOWN"), (STAYS, "UNKNOWN"), ({**LOOK, "seen": {}}, "PASS")])
def test_a_diagnosis_before_the_cure_clears_nothing(look: dict[str, Any], outcome: str) -> None:
    made = record((45, "resolved")).act(StepAct("look", action="http"), 42, 43)
    assert judged(made, steps=[look, STEP]).outcome == outcome


def test_where_no_step_cures_the_first_step_counts() -> None:
    made = record((45, "resolved")).act(StepAct("look", action="http"), 42, 43)
    diagnosis = {**LOOK, "name": "clear"}
    assert judged(made, steps=[LOOK, diagnosis]).outcome == "PASS"
    late = record((41, "resolved")).act(StepAct("look", action="http"), 42, 43)
    assert judged(late, steps=[LOOK, diagnosis]).numbers == {"cleared_before_s": 1}


def test_an_alert_that_still_fires_failed_when_its_time_is_over() -> None:
    verdict = judged(record())
    assert (verdict.outcome, verdict.message) == (
        "FAIL", "HighMemoryUsage was still firing 29 s after the last step; it had 10 s",
    )  # fmt: skip
    assert verdict.numbers == {"watched_s": 29, "budget_s": 10}
    assert verdict.hint == "see step_works; a long range in the rule, or `keep_firing_for`, also keeps an alert up"
    for until, outcome in ((61.0, "FAIL"), (60.5, "UNKNOWN")):
        assert judged(record(until=until)).outcome == outcome
    short = judged(record(until=60.5))
    assert short.message == (
        "HighMemoryUsage was still firing 9.5 s after the last step, where the record ends; it had 10 s"
    )
    assert short.hint == "let `phases.recover` last longer than `resolves_within`"
    assert judged(record((80, "resolved"))).message == verdict.message
    assert judged(record((79.9, "resolved")), within="29s").outcome == "UNKNOWN"
    assert judged(record((80.1, "resolved"))).message == verdict.message


def test_an_alert_must_be_seen_to_be_clear_for_two_evaluations() -> None:
    for cleared, outcome in ((78.0, "PASS"), (78.5, "UNKNOWN")):
        assert judged(record((cleared, "resolved")), within="29s").outcome == outcome
    verdict = judged(record((78.5, "resolved")), within="29s")
    assert verdict.message == (
        "HighMemoryUsage cleared 28 s after the end of the last step; it had 29 s; whether it stays clear cannot be "
        "told: only 1.5 s of it were seen when the record ended"
    )
    assert verdict.hint == "let `phases.recover` last longer"


def test_evaluations_that_are_rare_take_longer_to_show_it() -> None:
    for cleared, outcome in ((76.0, "PASS"), (76.5, "UNKNOWN")):
        assert judged(record((cleared, "resolved")), within="29s", interval="2s").outcome == outcome


def test_another_alert_says_nothing() -> None:
    made = record((55, "resolved"))
    for t, state in ((34.0, "firing"), (70.0, "resolved")):
        made.sample(t, AlertTransition(state, labels={"alertname": "Other"}, at=t))
    assert times(made, judged(made)) == [35, 55]


def test_an_alert_that_is_pending_at_the_end_is_not_clear() -> None:
    verdict = judged(record((55, "resolved"), (75, "pending")))
    assert (verdict.outcome, verdict.message) == (
        "UNKNOWN",
        (
            "HighMemoryUsage cleared 4 s after the end of the last step; it had 10 s; whether it stays clear cannot be "
            "told: it was pending again when the record ended"
        ),
    )
    assert judged(record((55, "resolved"), (70, "pending"), (75, "inactive"))).outcome == "PASS"
    other = record((55, "resolved"))
    other.sample(75.2, AlertTransition("pending", labels=ALERT | {"pod": "b"}, at=75))
    assert judged(other).outcome == "UNKNOWN"


def test_prometheus_must_have_answered_after_the_last_step() -> None:
    for silent, outcome in (((45, 50), "PASS"), ((60, 63), "PASS"), ((60, 63.6), "UNKNOWN")):
        made = record((55, "resolved")).drop("prometheus", "poll", after=silent[0] + 0.1, until=silent[1] - 0.1)
        assert judged(made).outcome == outcome, silent
    verdict = judged(record((55, "resolved")).drop("prometheus", "poll", after=60.1, until=64.9))
    assert verdict.message == (
        "whether HighMemoryUsage cleared and stayed clear cannot be told: after the last step Prometheus did not "
        "answer for 5 s"
    )
    assert verdict.numbers == {"cleared_after_s": 4, "budget_s": 10, "watched_s": 29}
    assert (verdict.hint, len(verdict.events)) == ("see the verdict measurements_are_complete", 2)


def test_each_expected_alert_of_a_drill_with_steps_must_clear() -> None:
    history = record((55, "resolved")).history()
    assert [case.claim.check for case in RESOLVES.cases(history, plan())] == ["alert_resolves_and_stays_resolved"]
    assert list(RESOLVES.cases(history, plan(steps=[]))) == []
