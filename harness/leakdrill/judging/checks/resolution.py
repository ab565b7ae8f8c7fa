"""Whether the alert cleared after the last step, and stayed clear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.judging.checks.alerts import expected_firing, for_each_alert
from leakdrill.judging.evidence.alert_states import firing_spans, transitions, unanswered
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.evidence.windows import Span, last_step_end_s, reached_recover, step_runs, watched_until_s
from leakdrill.units import show_duration, show_durations

if TYPE_CHECKING:
    from leakdrill.record.events import AlertTransition
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.alerts import ExpectedAlert
    from leakdrill.scenario.scenario import Scenario

_DIAGNOSES: Final = ("nothing", "stays_within")
_EVALUATIONS_AFTER = 2
"""The number of evaluations that the record must hold after the alert cleared, before it counts as clear."""


def alert_resolves_and_stays_resolved(history: History, *, alert: ExpectedAlert, scenario: Scenario) -> Verdict:
    """Whether `alert` cleared at most `alert.resolves_within` seconds after the last step, and not again after that.

    By Prometheus' own clock. UNKNOWN when it never fired, when Prometheus was silent after the step, or when the record
    ends too soon to tell.
    """
    claim = Claim("alert_resolves_and_stays_resolved", str(alert))
    fired, steps_end_s = expected_firing(history, scenario, alert), last_step_end_s(history)
    if fired is None or fired.when > watched_until_s(history):
        return claim.unknown(f"{alert} did not fire, so there is nothing to clear", hint="see alert_fires_in_time")
    if steps_end_s is None or not reached_recover(history):
        return claim.unknown(
            f"the drill ended before {alert} could clear: no step was completed or `recover` was not reached",
            hint="see the verdict measurements_are_complete",
        )
    watched = Span(steps_end_s, watched_until_s(history))
    events = [e for e in transitions(history, alert) if fired.when <= e.when <= watched.end_s]
    return _judge(history, claim, alert, scenario, watched, events)


def _judge(
    history: History,
    claim: Claim,
    alert: ExpectedAlert,
    scenario: Scenario,
    watched: Span,
    events: list[AlertTransition],
) -> Verdict:
    spans = firing_spans(events, end_s=watched.end_s)
    indices = [e.index for e in events]
    # What flaps about its threshold while the step takes effect has until the same moment as what fires all the time.
    deadline_s = watched.start_s + alert.resolves_within
    again = [span for span in spans[1:] if span.start_s > watched.start_s and span.end_s > deadline_s]
    if again:
        return claim.fails(
            f"{alert} cleared and fired again {show_duration(again[0].start_s - watched.start_s)} after the last step",
            numbers={"fired_again_after_s": again[0].start_s - watched.start_s},
            events=indices,
            hint="the step treats the symptom and not the cause",
        )
    cures_from_s = _cures_from_s(history, scenario)
    if spans[-1].end_s < cures_from_s:
        return claim.unknown(
            f"{alert} cleared {show_duration(cures_from_s - spans[-1].end_s)} before the first step that cures: "
            "something else cleared it",
            numbers={"cleared_before_s": cures_from_s - spans[-1].end_s},
            events=indices,
            hint="the leak must go on until the step; is there another cure, or was the alert's rule changed?",
        )
    cleared_s = spans[-1].end_s - watched.start_s
    numbers = {"cleared_after_s": cleared_s, "budget_s": alert.resolves_within, "watched_s": watched.length_s}
    silences = unanswered(history, scenario.alerts, watched)
    if silences:
        return claim.unknown(
            f"whether {alert} cleared and stayed clear cannot be told: after the last step {silences[0]}",
            numbers=numbers,
            events=indices,
            hint="see the verdict measurements_are_complete",
        )
    if spans[-1].end_s >= watched.end_s:
        return _still_firing(claim, alert, watched, indices)
    return _cleared(claim, alert, scenario, numbers, events)


def _cures_from_s(history: History, scenario: Scenario) -> float:
    """The beginning of the first step that is to cure; where none is, of the first step."""
    cures = {step.name for step in scenario.steps if step.seen is None or step.seen.effect not in _DIAGNOSES}
    begun = [run.start_s for run in step_runs(history) if run.act.name in cures]
    return min(begun or [run.start_s for run in step_runs(history)])


def _still_firing(claim: Claim, alert: ExpectedAlert, watched: Span, indices: list[int]) -> Verdict:
    numbers = {"watched_s": watched.length_s, "budget_s": alert.resolves_within}
    summary = f"{alert} was still firing {show_duration(watched.length_s)} after the last step"
    if watched.length_s < alert.resolves_within:
        return claim.unknown(
            f"{summary}, where the record ends; it had {show_duration(alert.resolves_within)}",
            numbers=numbers,
            events=indices,
            hint="let `phases.recover` last longer than `resolves_within`",
        )
    return claim.fails(
        f"{summary}; it had {show_duration(alert.resolves_within)}",
        numbers=numbers,
        events=indices,
        hint="see step_works; a long range in the rule, or `keep_firing_for`, also keeps an alert up",
    )


def _cleared(
    claim: Claim, alert: ExpectedAlert, scenario: Scenario, numbers: dict[str, float], events: list[AlertTransition]
) -> Verdict:
    cleared_s, indices = numbers["cleared_after_s"], [e.index for e in events]
    took, had = show_durations(abs(cleared_s), alert.resolves_within)
    message = f"{alert} cleared {took} {'after' if cleared_s >= 0 else 'before'} the end of the last step; it had {had}"
    if cleared_s > alert.resolves_within:
        return claim.fails(
            message,
            numbers=numbers,
            events=indices,
            hint="a long range in the rule, or `keep_firing_for`, keeps it firing",
        )
    clear_for_s = numbers["watched_s"] - cleared_s
    if clear_for_s < _EVALUATIONS_AFTER * scenario.alerts.evaluation_interval or _pending(events):
        reason = "it was pending again" if _pending(events) else f"only {show_duration(clear_for_s)} of it were seen"
        return claim.unknown(
            f"{message}; whether it stays clear cannot be told: {reason} when the record ended",
            numbers=numbers,
            events=indices,
            hint="let `phases.recover` last longer",
        )
    return claim.holds(
        f"{message}, and it stayed clear for the {show_duration(clear_for_s)} that followed",
        numbers={**numbers, "clear_for_s": clear_for_s},
        events=indices,
    )


def _pending(events: list[AlertTransition]) -> bool:
    """Whether a series was counting down to firing when the record ended."""
    last = {frozenset(e.labels.items()): e.state for e in events}
    return "pending" in last.values()


RESOLVES: Final = for_each_alert(
    lambda _history, scenario: bool(scenario.steps),
    "alert_resolves_and_stays_resolved",
    "Each expected alert cleared in time after the last step, and did not fire again.",
    alert_resolves_and_stays_resolved,
)
