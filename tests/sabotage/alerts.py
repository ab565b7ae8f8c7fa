"""Alerts and notifications that prove nothing, or prove the opposite."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sabotage import add, sabotage
from tape import ALWAYS, MIB, Span, Tape, of

from leakdrill.record.event import Event
from leakdrill.scenario.scenario import Scenario

if TYPE_CHECKING:
    from tape import Pick

IN_TIME = "alert_fires_in_time"
RESOLVES = "alert_resolves_and_stays_resolved"
NOTIFIED = "notification_arrives"
COMPLETE = "measurements_are_complete"
ALERT, NOTE = of("prometheus", "alert"), of("alertmanager", "notification")


def state(word: str, severity: str = "warning") -> Pick:
    return lambda e: ALERT(e) and e.value == word and e.labels.get("severity") == severity


def note(word: str, severity: str = "warning") -> Pick:
    return lambda e: NOTE(e) and e.value == word and e.labels.get("severity") == severity


def counts(tape: Tape) -> Tape:
    """Lets Prometheus' own counts agree with what is left of the transitions."""
    states: dict[str, object] = {}
    new: list[Event] = []
    for event in sorted(tape.events, key=lambda e: e.t):
        if ALERT(event):
            states[str(sorted(event.labels.items()))] = event.value
        if event.source == "prometheus" and event.name == "poll" and isinstance(event.value, dict):
            told = list(states.values())
            of_states = {"alerts_firing": float(told.count("firing")), "alerts_pending": float(told.count("pending"))}
            new.append(replace(event, value={**event.value, **of_states}))
        else:
            new.append(event)
    tape.events = new
    return tape


# Rules that cannot fire.


@sabotage("rules that cannot fire", "cache", IN_TIME, "FAIL", "had not fired")
def the_alert_never_fires(tape: Tape) -> Tape:
    tape.scenario = changed(tape.scenario, fires_within="20s")
    return counts(tape.drop(ALERT).drop(NOTE))


@sabotage("rules that cannot fire", "cache", IN_TIME, "FAIL", "matched no series")
def its_selector_matches_nothing(tape: Tape) -> Tape:
    nothing = tape.drop(ALERT).drop(NOTE).change(of("prometheus", "selector"), lambda e: replace(e, value=0.0))
    return counts(nothing)


@sabotage("rules that cannot fire", "cache", IN_TIME, "UNKNOWN", "selected no series")
def its_selector_matches_nothing_and_it_fires(tape: Tape) -> Tape:
    return tape.change(of("prometheus", "selector"), lambda e: replace(e, value=0.0))


@sabotage("rules that cannot fire", "cache", IN_TIME, "FAIL", "could not be evaluated")
def its_rule_has_an_error(tape: Tape) -> Tape:
    error = replace(tape.first(ALERT), t=20.0, at=None, name="rule_error", value="parse error")
    error = replace(error, labels={"rule": "HighMemoryUsage", "group": "g", "file": "f"})
    return counts(tape.drop(ALERT).drop(NOTE).add(error))


@sabotage("rules that cannot fire", "cache", COMPLETE, "UNKNOWN", "could not evaluate")
def prometheus_counts_a_failing_rule_that_nobody_names(tape: Tape) -> Tape:
    return tape.numbers(of("prometheus", "poll", Span(30, 99)), "rules_failing", lambda _: 1.0)


@sabotage("rules that cannot fire", "cache", IN_TIME, "UNKNOWN", "had not fired")
def it_only_ever_counts_down(tape: Tape) -> Tape:
    return counts(tape.drop(state("firing")).drop(state("resolved")).drop(NOTE))


# Alerts of something else.


@sabotage("alerts of another target", "cache", IN_TIME, "UNKNOWN", "is about the container")
def the_alert_is_about_another_container(tape: Tape) -> Tape:
    return tape.labels(ALERT, container="billing").labels(NOTE, container="billing")


@sabotage("alerts of another target", "cache", IN_TIME, "UNKNOWN", "after `pending`")
def only_the_firing_is_about_another_container(tape: Tape) -> Tape:
    return tape.labels(state("firing"), container="billing")


@sabotage("alerts of another target", "cache", NOTIFIED, "UNKNOWN", "is about the container")
def somebody_was_told_of_another_container(tape: Tape) -> Tape:
    return tape.labels(NOTE, container="billing")


@sabotage("alerts of another target", "cache", IN_TIME, "UNKNOWN", "had not fired")
def another_alert_fires_instead(tape: Tape) -> Tape:
    return tape.labels(ALERT, alertname="HighCPUUsage").labels(NOTE, alertname="HighCPUUsage")


@sabotage("alerts of another target", "cache", IN_TIME, "UNKNOWN", "had not fired")
def another_severity_fires(tape: Tape) -> Tape:
    return tape.labels(ALERT, severity="info").labels(NOTE, severity="info")


@sabotage("alerts of another target", "replicas", IN_TIME, "UNKNOWN", "is about the container")
def of_another_service_with_replicas(tape: Tape) -> Tape:
    return tape.labels(ALERT, container="proxy").labels(NOTE, container="proxy")


# Alerts at another time.


@sabotage("alerts before the leak", "cache", IN_TIME, "UNKNOWN", "already firing")
def it_fired_before_the_leak_began(tape: Tape) -> Tape:
    since = tape.phases["baseline"].start + 1
    for picks in (state("pending"), state("firing"), note("firing")):
        at = tape.first(picks).t
        tape.move(picks, since - at)
        since += 1
    return counts(tape)


@sabotage("alerts before the leak", "cache", IN_TIME, "UNKNOWN", "below")
def it_fired_before_its_expression_could_hold(tape: Tape) -> Tape:
    return counts(tape.move(lambda e: ALERT(e) and e.value != "resolved", -18).move(note("firing"), -18))


@sabotage("alerts before the leak", "cache", IN_TIME, "UNKNOWN", "pending for")
def it_fired_without_having_been_pending(tape: Tape) -> Tape:
    return counts(tape.drop(state("pending")))


@sabotage("alerts before the leak", "cache", IN_TIME, "UNKNOWN", "pending for")
def it_fired_sooner_than_its_rule_waits(tape: Tape) -> Tape:
    return counts(tape.move(state("firing"), -4).move(note("firing"), -4))


@sabotage("alerts before the leak", "cache", IN_TIME, "UNKNOWN", "`inactive`")
def it_was_pending_after_it_fired(tape: Tape) -> Tape:
    tape.change(state("pending"), lambda e: replace(e, value="x")).change(
        state("firing"), lambda e: replace(e, value="y")
    )
    tape.change(ALERT, lambda e: replace(e, value={"x": "firing", "y": "inactive"}.get(str(e.value), e.value)))
    return counts(tape)


@sabotage("alerts before the leak", "cache", IN_TIME, "FAIL", "fired after")
def it_fired_after_its_budget(tape: Tape) -> Tape:
    tape.scenario = changed(tape.scenario, fires_within="20s")
    return tape


@sabotage("alerts before the leak", "cache", IN_TIME, "UNKNOWN", "may have fired earlier")
def its_evaluation_lies_in_the_future(tape: Tape) -> Tape:
    return tape.change(state("firing"), lambda e: replace(e, at=e.t + 30))


@sabotage("alerts before the leak", "cache", IN_TIME, "UNKNOWN", "says what cannot be")
def its_evaluation_has_no_time(tape: Tape) -> Tape:
    return tape.numbers(of("prometheus", "poll", Span(40, 42)), "alerts_firing", lambda _: float("nan"))


def changed(scenario: Scenario, **changes: object) -> Scenario:
    data = scenario.model_dump(mode="json")
    data["alerts"]["expect"][0] |= changes
    return Scenario.model_validate(data)


# Alerts that flap, or never clear.


def again(tape: Tape, after: float, *, end: bool = False) -> Tape:
    """The alert counts down and fires once more, so long after it had cleared."""
    cleared = tape.first(state("resolved"))
    lines = [("pending", after), ("firing", after + 5), *([("resolved", after + 6)] if end else [])]
    tape.add(*(replace(cleared, t=cleared.t + s, at=(cleared.at or 0) + s, value=word) for word, s in lines))
    return counts(tape)


@sabotage("alerts that flap", "cache", RESOLVES, "FAIL", "fired again")
def it_fires_again_to_the_end(tape: Tape) -> Tape:
    return again(tape, 4)


@sabotage("alerts that flap", "cache", RESOLVES, "FAIL", "fired again")
def it_fires_again_and_clears(tape: Tape) -> Tape:
    return again(tape, 4, end=True)


@sabotage("alerts that flap", "limits", RESOLVES, "FAIL", "fired again")
def it_fires_again_under_a_higher_limit(tape: Tape) -> Tape:
    return again(tape, 8, end=True)


@sabotage("alerts that never resolve", "cache", RESOLVES, "FAIL", "still firing")
def it_fires_to_the_end(tape: Tape) -> Tape:
    return counts(tape.drop(state("resolved")).drop(note("resolved")))


@sabotage("alerts that never resolve", "cache", RESOLVES, "FAIL", "cleared")
def it_clears_too_late(tape: Tape) -> Tape:
    return counts(tape.move(state("resolved"), 9).move(note("resolved"), 9))


@sabotage("alerts that never resolve", "cache", RESOLVES, "UNKNOWN", "before the first step that cures")
def it_cleared_before_the_step(tape: Tape) -> Tape:
    return counts(tape.move(state("resolved"), -1).move(note("resolved"), -1))


@sabotage("alerts that never resolve", "cache", RESOLVES, "UNKNOWN", "above")
def it_cleared_while_memory_was_high(tape: Tape) -> Tape:
    return tape.memory(lambda t, x: x + 100 * MIB if t < tape.cured.start + 4 else x, tape.cured)


@sabotage("alerts that never resolve", "limits", RESOLVES, "FAIL", "still firing")
def it_fires_on_under_a_higher_limit(tape: Tape) -> Tape:
    return counts(tape.drop(state("resolved")).drop(note("resolved")))


@sabotage("alerts that never resolve", "disk", RESOLVES, "FAIL", "still firing")
def the_alert_on_the_disk_fires_on(tape: Tape) -> Tape:
    return counts(tape.drop(state("resolved")).drop(note("resolved")))


# Notifications.


@sabotage("notifications to nobody", "cache", NOTIFIED, "FAIL", "no notification reached")
def nobody_was_told(tape: Tape) -> Tape:
    return tape.drop(NOTE)


@sabotage("notifications to nobody", "cache", NOTIFIED, "FAIL", "no notification reached the receiver oncall")
def another_receiver_was_told(tape: Tape) -> Tape:
    tape.scenario = changed(tape.scenario, receiver="oncall")
    return tape


@sabotage("notifications to nobody", "cache", NOTIFIED, "UNKNOWN", "knows nothing of it")
def somebody_was_told_before_it_fired(tape: Tape) -> Tape:
    early = replace(tape.first(note("firing")), t=30.0, at=30.0)
    return tape.add(early)


@sabotage("notifications to nobody", "cache", NOTIFIED, "UNKNOWN", "knows nothing of it")
def somebody_was_told_of_an_alert_that_never_fired(tape: Tape) -> Tape:
    return tape.add(replace(tape.first(note("firing")), labels={"alertname": "Ghost", "receiver": "drill"}))


@sabotage("notifications to nobody", "cache", NOTIFIED, "FAIL", "a silence")
def a_silence_mutes_it(tape: Tape) -> Tape:
    told = tape.first(note("firing"))
    silenced = replace(
        told, name="silenced", value="abc", at=None, labels={k: v for k, v in told.labels.items() if k != "receiver"}
    )
    return tape.drop(NOTE).add(silenced)


@sabotage("notifications to nobody", "cache", NOTIFIED, "FAIL", "no notification reached")
def only_its_end_was_told(tape: Tape) -> Tape:
    return tape.drop(note("firing"))


@sabotage("notifications to nobody", "cache", NOTIFIED, "UNKNOWN", "nobody knows")
def the_notification_has_no_status(tape: Tape) -> Tape:
    return tape.change(note("resolved"), lambda e: replace(e, value="sent"))


@sabotage("notifications to nobody", "cache", NOTIFIED, "UNKNOWN", "Alertmanager ended")
def alertmanager_died_before(tape: Tape) -> Tape:
    died = replace(tape.first(note("firing")), name="exited", value=1.0, at=None, labels={})
    return tape.drop(NOTE).add(died)


# Prometheus itself.

for seconds in (3, 8, 20):
    add(
        "Prometheus silent",
        f"no answer for {seconds} s while the alert should resolve",
        "cache",
        lambda tape, seconds=seconds: tape.drop(
            of("prometheus", "poll", Span(tape.cured.start + 0.1, tape.cured.start + seconds))
        ),
        RESOLVES,
        "UNKNOWN",
        "did not answer",
    )
for field in ("alerts_firing", "alerts_pending"):
    add(
        "Prometheus counts otherwise",
        f"{field} is one more than the record tells",
        "cache",
        lambda tape, field=field: tape.numbers(of("prometheus", "poll", Span(30, 99)), field, lambda n: n + 1),
        IN_TIME,
        "UNKNOWN",
        "the record tells",
    )
    add(
        "Prometheus counts otherwise",
        f"{field} is missing",
        "cache",
        lambda tape, field=field: tape.numbers(of("prometheus", "poll"), field, lambda _: None),
        IN_TIME,
        "UNKNOWN",
        f"lacks {field}",
    )


@sabotage("Prometheus silent", "cache", COMPLETE, "UNKNOWN", "did not answer")
def it_was_down_all_the_time(tape: Tape) -> Tape:
    return tape.change(
        of("prometheus", "poll", ALWAYS), lambda e: replace(e, value=None, labels={"error": "connection refused"})
    )


@sabotage("Prometheus silent", "twin", "other_alerts_stay_silent", "UNKNOWN", "did not answer")
def nobody_asked_it_during_the_twin(tape: Tape) -> Tape:
    return tape.drop(of("prometheus", "poll", Span(15, 25)))


@sabotage("alerts of another target", "twin", "other_alerts_stay_silent", "FAIL", "nobody expects")
def an_alert_fires_for_the_twin(tape: Tape) -> Tape:
    fired = Event(
        index=0, t=20.0, phase="load", source="prometheus", kind="sample", name="alert", value="firing", at=19.9,
        labels={"alertname": "HighMemoryUsage", "severity": "warning", "container": tape.scenario.target.name},
    )  # fmt: skip
    return counts(tape.add(fired))
