"""Facts for documents: each is what the record says, or unknown with the reason; never a guess."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from histories import PER_REQUEST, complete, drill, leaking, plan, twin, twin_plan
from test_runbook_checks import CLEAR, record, unrelieved, way

from leakdrill.judging.drill import judge
from leakdrill.judging.incidents.incident import incident
from leakdrill.judging.incidents.recorded import RecordedRun
from leakdrill.judging.incidents.resolution_times import resolution_times
from leakdrill.judging.rehearsal import judge_rehearsed
from leakdrill.record.events import AlertTransition, MemoryThreshold, SelectorMatches
from leakdrill.record.store import RunInfo

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MEMORY = SelectorMatches(1.0, alert="HighMemoryUsage", severity="warning", selector="container_memory_usage_bytes{}")


def told(made=None, scenario=None, rehearsal=None, *, started=START, **options):
    """The incident of a record; by default of a whole drill in which everything went as it should."""
    made, scenario = made or complete(drill()), scenario or plan()
    if not any(e.name == "threshold" for e in made.events):
        made.sample(14, MemoryThreshold(0.4, 5.0, alert="HighMemoryUsage", severity="warning")).sample(14, MEMORY)
    history = made.history()
    judged = judge_rehearsed(history, rehearsal) if rehearsal else judge(history, scenario)
    plans = {"scenario": rehearsal.scenario, "rehearsal": rehearsal.rehearsal} if rehearsal else {"scenario": scenario}
    info = RunInfo(
        run_id="gateway-1", started=started, scenario_file="x.yaml", versions={}, machine={"cpus": 2}, **plans
    )
    return incident(RecordedRun(info, history, judged), **options)


def test_a_message_says_what_the_record_holds_of_the_moment_at_which_the_alert_fired():
    """At 35 s, 20 s after the leak began: 60 MiB and 2000 requests of 64 KiB each, and 5 MiB of page cache."""
    message = told().messages["warning"]
    assert str(message.resource) == "memory"
    assert str(message.value) == "47.5 % of the limit (190 MiB of 400 MiB)"
    assert str(message.threshold) == "40 % of the limit, held for 5 s"
    assert str(message.started) == "2026-01-02 03:04:40 UTC"
    assert str(message.action) == "clear the cache, at 2026-01-02 03:05:00 UTC"
    assert str(message.expected_recovery) == "at most 15 s after the last step"
    assert str(message.impact) == "0 of 2,000 requests failed"


def test_what_the_record_does_not_hold_is_unknown_and_says_why():
    facts = told()
    assert "--update-every" in facts.messages["warning"].next_update.reason
    assert "what happened" in facts.root_cause.prevention.reason
    assert str(told(update_every_s=300).messages["warning"].next_update) == "2026-01-02 03:09:40 UTC"


def test_an_alert_without_a_threshold_in_the_record_has_an_unknown_one():
    made = drill().sample(14, MemoryThreshold(0.5, alert="Another", severity="warning"))
    message = told(made).messages["warning"]
    assert not message.threshold.known
    assert str(message.resource) == "memory"  # it is what the leak grows, and the scenario expects the alert
    assert str(message.value) == "185 MiB"


def test_no_message_is_written_for_a_level_that_did_not_fire():
    assert list(told().messages) == ["warning"]
    critical = {"alertname": "HighMemoryUsage", "severity": "critical"}
    made = drill().sample(45, AlertTransition("firing", labels=critical, at=44))
    warning = {"alert": "HighMemoryUsage", "labels": {"severity": "warning"}, "fires_within": "30s"}
    messages = told(made, plan(alerts={"rules": ["rules.yml"], "expect": [warning]})).messages
    assert list(messages) == ["warning", "critical"]
    assert not messages["critical"].expected_recovery.known


def test_the_analysis_of_a_drill_that_went_well_has_cause_fix_and_duration():
    facts = told()
    cause = facts.root_cause
    assert (str(cause.date), cause.duration.value, facts.resolution.value) == ("2026-01-02", 23, 23)
    assert str(cause.cause).startswith("cache in gateway: memory grew by 64 KiB per request")
    assert str(cause.fix) == "clear the cache; the alert cleared 2.8 s after its beginning"
    assert "memory grew by" in str(cause.data_volume)
    assert cause.data_volume.value is not None
    assert [one.text for one in facts.timeline][:2] == ["leak cache switched on", "HighMemoryUsage fired"]


@pytest.mark.parametrize(
    ("made", "how"),
    [
        (None, "it worked"),
        (complete(drill(lambda t: leaking(min(t, 55.4)) if t >= 15 else leaking(t))), "it did not work"),
    ],
)
def test_the_course_of_a_drill_says_which_step_worked(made, how):
    (step,) = [one.text for one in told(made).timeline if one.text.startswith("clear the cache")]
    assert step == f"clear the cache (carried out in 500 ms; {how})"


def test_the_analysis_of_a_rehearsal_names_the_command_of_the_runbook():
    facts = told(record(), rehearsal=way())
    assert facts.runbook == "memory.md"
    assert str(facts.root_cause.fix).startswith("curl …; the alert cleared")
    assert CLEAR not in str(facts.root_cause.fix)
    assert facts.resolution.value == 23


def test_what_did_not_resolve_has_no_duration_and_no_fix():
    facts = told(record(unrelieved), rehearsal=way())
    assert str(facts.resolution).startswith("not resolved: HighMemoryUsage was still firing")
    assert facts.resolution.value is None
    assert str(facts.root_cause.fix) == "none: the alert did not clear by what was changed"


def test_an_alert_that_never_fired_leaves_everything_unknown_but_the_cause():
    facts = told(drill().drop("prometheus", "alert"))
    assert facts.messages == {}
    cause = facts.root_cause
    assert {cause.date.reason, cause.duration.reason, cause.fix.reason} == {"HighMemoryUsage did not fire"}


def test_a_leak_that_was_not_shown_is_no_cause():
    slow = drill(lambda t: 60 * 2**20 + PER_REQUEST * (t if t < 55.5 else 0))
    assert told(slow).root_cause.cause.reason.startswith("that cache leaked was not shown: the leak did not leak")


def test_a_twin_without_a_leak_has_neither_alert_nor_cause():
    facts = told(twin(), twin_plan())
    assert (facts.alert.reason, facts.root_cause.cause.reason) == (
        "the scenario expects no alert",
        "the scenario switches no leak on",
    )


def test_a_record_that_breaks_off_says_so():
    facts = told(record().cut(50), rehearsal=way())
    assert facts.resolution.reason == "the drill ended before the runbook was over"
    assert not facts.root_cause.impact.known


def test_silence_of_prometheus_leaves_the_duration_unknown():
    facts = told(drill().drop("prometheus", "poll", after=50, until=70))
    assert not facts.resolution.known
    assert not facts.root_cause.duration.known
    assert facts.root_cause.fix.reason == facts.resolution.reason


def test_the_average_counts_what_did_not_resolve_and_does_not_average_it():
    good, bad = told(record(), rehearsal=way()), told(record(unrelieved), rehearsal=way())
    (times,) = resolution_times([good, bad, good])
    assert (times.resolved, len(times.runs), times.mean.value) == (2, 3, 23)
    (none,) = resolution_times([bad])
    assert none.mean.reason == "none of 1 runs resolved"


def test_runs_at_another_time_scale_and_control_runs_are_averaged_apart():
    scaled = plan(alerts={**plan().alerts.model_dump(exclude_unset=True), "time_scale": 60})
    control = told(record(), rehearsal=way(without=CLEAR))
    groups = resolution_times([told(), told(None, scaled), control, told(record(), rehearsal=way())])
    assert len(groups) == 3
    assert [one.name for one in groups if "without" in one.name] == [f"gateway/unbounded-cache, without {CLEAR}"]
