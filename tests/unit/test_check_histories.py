"""Every check has a record that passes, one that fails and one that cannot be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from histories import MIB, PER_REQUEST, Record, drill, flat, leaking, phases, plan, requests_at, twin, twin_plan

from leakdrill.judging.drill import judge_claims
from leakdrill.record.events import (
    AlertmanagerExited,
    AlertmanagerPoll,
    CgroupResources,
    LeakSwitchOn,
    LoadErrors,
    LoadExited,
    Notification,
    PrometheusExited,
    RuleError,
    SelectorMatches,
    ServiceMetrics,
    StepAct,
    TargetExited,
    TargetRestart,
    WorkerLost,
)
from leakdrill.record.history import History
from leakdrill.record.verdict import Outcome, worst

if TYPE_CHECKING:
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

LABELS = {"alertname": "HighMemoryUsage", "severity": "warning"}
OTHER = {"alertname": "HighCpu", "severity": "critical"}


def verdict(check: str, record: Record, scenario: Scenario | None = None) -> Verdict:
    """The verdict of `check` when the whole record is judged."""
    return next(v for v in judge_claims(record.history(), scenario or plan()) if v.check == check)


def is_told(check: str, outcome: str, record: Record, *words: str, scenario: Scenario | None = None) -> None:
    """Assert the outcome and that its sentence holds all `words`."""
    told = verdict(check, record, scenario)
    assert told.outcome == outcome, told
    assert all(word in told.message for word in words), told.message
    assert bool(told.hint) == (outcome != "PASS")


def silent(record: Record, after: float, until: float) -> Record:
    return record.drop("prometheus", "poll", after=after, until=until)


def disk_plan(**changes: object) -> Scenario:
    return plan(leaks=[{"name": "cache", "resource": "disk", "per_request": "8KiB"}], **changes)


def disk_leaking(t: float) -> float:
    return 4 * MIB + (8192 * 100 * (t - 15) if 15 <= t < 55.5 else 0)


def test_a_drill_that_went_well_passes_every_check() -> None:
    verdicts = judge_claims(drill().history(), plan())
    assert {v.outcome for v in verdicts} == {Outcome.PASS}, [v for v in verdicts if v.outcome != "PASS"]
    assert [v.check for v in verdicts] == [
        "leak_grows_as_declared",
        "alert_fires_in_time",
        "alert_fires_before_oom_kill",
        "notification_arrives",
        "other_alerts_stay_silent",
        "step_works",
        "alert_resolves_and_stays_resolved",
        "memory_returns_to_baseline",
        "requests_keep_error_rate",
        "requests_keep_latency",
        "target_keeps_running",
        "measurements_are_complete",
    ]


def test_a_healthy_twin_passes_every_check() -> None:
    assert worst(judge_claims(twin().history(), twin_plan())) == "PASS"


def test_an_empty_record_passes_nothing() -> None:
    assert {v.outcome for v in judge_claims(History([]), plan())} == {Outcome.UNKNOWN}
    assert {v.outcome for v in judge_claims(History([]), twin_plan())} == {Outcome.UNKNOWN}


@pytest.mark.parametrize("end", [1, 4, 10, 20, 40, 55.4, 56])
def test_a_drill_that_broke_off_never_passes(end: float) -> None:
    assert worst(judge_claims(drill().cut(end).history(), plan())) != "PASS"


def test_a_drill_that_broke_off_before_recovery_cannot_tell_what_recovery_shows() -> None:
    told = {v.check: v.outcome for v in judge_claims(drill().cut(55.9).history(), plan())}
    for check in ("memory_returns_to_baseline", "alert_resolves_and_stays_resolved", "target_keeps_running"):
        assert told[check] == "UNKNOWN", check


def test_growth_near_the_declared_size_passes() -> None:
    is_told("leak_grows_as_declared", "PASS", drill(), "64 KiB per request", "declared: 64 KiB")


def test_growth_beyond_twice_the_declared_size_fails() -> None:
    is_told("leak_grows_as_declared", "FAIL", drill(lambda t: flat(t) + 3 * (leaking(t) - flat(t))), "192 KiB")


def test_a_leak_that_did_not_leak_proves_nothing() -> None:
    is_told("leak_grows_as_declared", "UNKNOWN", drill(flat), "did not leak", "proves nothing")


UNDECLARED = {"leaks": [{"name": "cache"}]}
MUCH_DECLARED = {"leaks": [{"name": "cache", "per_request": "200KiB"}]}


def test_a_leak_that_declares_nothing_is_measured() -> None:
    told = verdict("leak_grows_as_declared", drill(), plan(**UNDECLARED))
    assert (told.outcome, "64 KiB per request" in told.message) == (Outcome.PASS, True), told
    assert told.numbers["bytes_per_request"] == pytest.approx(65536, rel=0.01)
    assert worst(judge_claims(drill().history(), plan(**UNDECLARED))) == "PASS"
    assert worst(judge_claims(History([]), plan(**UNDECLARED))) == "UNKNOWN"


@pytest.mark.parametrize("per_request", [0, 700])
def test_what_a_healthy_service_shows_is_no_measured_leak(per_request: float) -> None:
    record = drill(lambda t: flat(t) + per_request * 100 * max(0, t - 15))
    is_told("leak_grows_as_declared", "UNKNOWN", record, "proves nothing", scenario=plan(**UNDECLARED))


def test_what_grew_likewise_in_the_baseline_is_no_measured_leak() -> None:
    record = drill(lambda t: flat(t) + 5 * 1024 * 100 * t)
    is_told("leak_grows_as_declared", "UNKNOWN", record, "proves nothing", scenario=plan(**UNDECLARED))


def test_a_plain_leak_below_its_declared_size_fails_that_claim_alone() -> None:
    is_told("leak_grows_as_declared", "FAIL", drill(), "it leaks, but by less", scenario=plan(**MUCH_DECLARED))
    others = [v for v in judge_claims(drill().history(), plan(**MUCH_DECLARED)) if v.check != "leak_grows_as_declared"]
    assert {v.outcome for v in others} == {Outcome.PASS}, others


def test_an_alert_that_a_plain_leak_did_not_raise_fails_whatever_was_declared() -> None:
    quiet = drill().drop("prometheus", "alert")
    for changes in (UNDECLARED, MUCH_DECLARED):
        is_told("alert_fires_in_time", "FAIL", quiet, "had not fired", scenario=plan(**changes))


def test_a_leak_that_could_not_be_switched_on_proves_nothing() -> None:
    record = drill(flat).drop("leak").act(LeakSwitchOn(leak="cache"), 15, 15.1, "failed", error="404")
    is_told("leak_grows_as_declared", "UNKNOWN", record, "never switched on", "404")


def test_a_leak_without_requests_proves_nothing() -> None:
    record = drill().change("cgroup", "resources", lambda e: {**e.value, "requests": 7.0})  # type: ignore[dict-item]
    is_told("leak_grows_as_declared", "UNKNOWN", record, "only 0 requests")


def test_a_twin_that_stays_flat_passes() -> None:
    is_told("memory_does_not_grow", "PASS", twin(), scenario=twin_plan())


def test_a_twin_that_grows_fails() -> None:
    record = twin(lambda t: 60 * MIB + max(0, t - 15) * MIB)
    is_told("memory_does_not_grow", "FAIL", record, "still grows", scenario=twin_plan())


def test_a_twin_without_readings_cannot_be_told() -> None:
    is_told("memory_does_not_grow", "UNKNOWN", twin().drop("cgroup"), "samples", scenario=twin_plan())


def test_an_alert_within_its_budget_passes_by_the_clock_of_prometheus() -> None:
    told = verdict("alert_fires_in_time", drill())
    assert told.outcome == "PASS"
    assert told.numbers["fired_after_s"] == pytest.approx(35 - 15.01)


def test_the_verdict_names_production_time() -> None:
    alerts = {"rules": ["r"], "time_scale": 60, "expect": [{"alert": "HighMemoryUsage", "fires_within": "30s"}]}
    is_told("alert_fires_in_time", "PASS", drill(), "20 s (production: 19 min", scenario=plan(alerts=alerts))


def test_an_alert_after_its_budget_fails() -> None:
    late = drill().drop("prometheus", "alert").alert(50.2, "firing", at=50)
    is_told("alert_fires_in_time", "FAIL", late, "fired after 35 s", "budget 30 s")


def test_an_alert_that_never_fires_fails() -> None:
    is_told("alert_fires_in_time", "FAIL", drill().drop("prometheus", "alert"), "had not fired 30 s after")


def polled(record: Record, after: float, **changes: float) -> Record:
    return record.change("prometheus", "poll", lambda e: {**e.value, **changes} if e.t > after else e.value)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"evaluation_late_s": 9.0}, "Prometheus did not evaluate the rules"),
        ({"scrape_late_s": 9.0}, "Prometheus took in no readings of the target"),
        ({"clock_ahead_s": -60.0}, "the clock of this machine had been set by -60.0 s"),
    ],
)
def test_an_alert_that_could_not_fire_for_a_prometheus_in_trouble_is_not_blamed(
    changes: dict[str, float], reason: str
) -> None:
    record = polled(polled(drill().drop("prometheus", "alert"), 0, clock_ahead_s=0.0), 25, **changes)
    is_told("alert_fires_in_time", "UNKNOWN", record, reason)
    is_told("measurements_are_complete", "UNKNOWN", record, reason)


def test_a_prometheus_that_is_a_little_late_is_none_in_trouble() -> None:
    record = polled(drill(), 0, evaluation_late_s=0.9, scrape_late_s=0.9, clock_ahead_s=0.01)
    is_told("measurements_are_complete", "PASS", record)


def test_an_alertmanager_that_did_not_answer_is_not_blamed_for_silence() -> None:
    record = drill().drop("alertmanager", "notification")
    for t in (36.0, 38.5):
        record.sample(t, AlertmanagerPoll(error="ReadTimeout: timed out"))
    is_told("notification_arrives", "UNKNOWN", record, "Alertmanager did not answer (ReadTimeout: timed out)")
    is_told("measurements_are_complete", "UNKNOWN", record, "Alertmanager did not answer")


def test_one_answer_of_alertmanager_may_be_late() -> None:
    record = drill().sample(36.0, AlertmanagerPoll(error="ReadTimeout: timed out"))
    is_told("measurements_are_complete", "PASS", record)


def test_metrics_of_the_service_that_fall_silent_make_the_record_incomplete() -> None:
    record = drill()
    for t in range(2, 72):
        record.sample(t + 0.5, ServiceMetrics.of({"up": 1.0}) if t < 40 else ServiceMetrics(error="garbage"))
    is_told("measurements_are_complete", "UNKNOWN", record, "service/metrics was silent for", "garbage")


def test_a_selector_without_series_is_named() -> None:
    record = drill().drop("prometheus", "alert")
    record.sample(15, SelectorMatches(0.0, alert="HighMemoryUsage", selector='x{container="gatewya"}'))
    is_told("alert_fires_in_time", "FAIL", record, 'x{container="gatewya"} matched no series: it can never fire')


def test_a_selector_of_another_level_of_the_alert_is_not_blamed() -> None:
    record = drill(flat).drop("prometheus", "alert")
    record.sample(15, SelectorMatches(0.0, alert="HighMemoryUsage", selector="y", severity="critical"))
    expect = [{"alert": "HighMemoryUsage", "labels": {"severity": "warning"}, "fires_within": "30s"}]
    is_told("alert_fires_in_time", "UNKNOWN", record, scenario=plan(alerts={"rules": ["r"], "expect": expect}))


def test_a_rule_that_cannot_be_evaluated_is_named() -> None:
    record = drill().drop("prometheus", "alert")
    record.sample(20, RuleError("many-to-many matching", rule="HighMemoryUsage"))
    is_told("alert_fires_in_time", "FAIL", record, "many-to-many matching")


def test_an_alert_that_is_not_seen_while_prometheus_is_silent_cannot_be_told() -> None:
    record = silent(drill().drop("prometheus", "alert"), 30, 33)
    is_told("alert_fires_in_time", "UNKNOWN", record, "did not answer for 3")


def test_a_leak_that_did_not_show_excuses_the_alert() -> None:
    is_told("alert_fires_in_time", "UNKNOWN", drill(flat).drop("prometheus", "alert"), "the leak itself did not show")


def test_an_alert_that_fired_before_the_leak_began_says_nothing() -> None:
    early = drill().drop("prometheus", "alert").alert(15.3, "firing", at=14.9)
    is_told("alert_fires_in_time", "UNKNOWN", early, "before the leak began")


def test_an_alert_that_was_pending_before_the_leak_began_says_nothing() -> None:
    early = drill().drop("prometheus", "alert").alert(12, "pending").alert(17, "firing")
    is_told("alert_fires_in_time", "UNKNOWN", early, "before the leak began")


def test_an_alert_cut_short_by_a_step_cannot_be_told() -> None:
    record = drill().drop("prometheus", "alert").drop("step").act(StepAct("clear the cache"), 20, 20.5)
    is_told("alert_fires_in_time", "UNKNOWN", record, "nothing longer was watched")


def test_an_alert_before_the_projected_kill_passes_with_time_to_spare() -> None:
    told = verdict("alert_fires_before_oom_kill", drill())
    assert told.outcome == "PASS"
    assert "would have been OOM-killed after 54 s" in told.message
    assert told.numbers["spare_s"] == pytest.approx(340 * MIB / (PER_REQUEST * 100) + 15 - 35, rel=0.01)


def test_a_kill_before_the_alert_fails() -> None:
    record = drill().sample(33, TargetExited(-9.0, signal="SIGKILL", oom_kill="true"))
    is_told("alert_fires_before_oom_kill", "FAIL", record, "was OOM-killed after 18 s", "too late")


def test_memory_beyond_the_limit_before_the_alert_fails_where_nobody_enforces_it() -> None:
    record = drill(lambda t: flat(t) + 4 * (leaking(t) - flat(t)))
    is_told("alert_fires_before_oom_kill", "FAIL", record, "would have been OOM-killed", "too late")


def test_without_growth_nobody_can_say_when_the_kill_would_come() -> None:
    is_told("alert_fires_before_oom_kill", "UNKNOWN", drill(flat), "no steady growth")


def test_an_alert_before_the_disk_is_full_passes() -> None:
    is_told("alert_fires_before_disk_full", "PASS", drill(flat, disk=disk_leaking), "to spare", scenario=disk_plan())


def test_an_alert_after_the_disk_was_full_fails() -> None:
    record = drill(flat, disk=lambda t: min(64 * MIB, 4 * MIB + 4 * (disk_leaking(t) - 4 * MIB)))
    is_told("alert_fires_before_disk_full", "FAIL", record, "the disk was full", scenario=disk_plan())


def test_a_disk_that_nobody_measured_cannot_be_told() -> None:
    is_told("alert_fires_before_disk_full", "UNKNOWN", drill(), "not known", scenario=disk_plan())


def test_a_notification_at_the_receiver_passes_and_is_timed_by_our_clock() -> None:
    told = verdict("notification_arrives", drill())
    assert told.outcome == "PASS"
    assert told.numbers["delivered_after_s"] == pytest.approx(2)


def test_a_notification_at_another_receiver_fails() -> None:
    record = drill().drop("alertmanager").sample(37, Notification("firing", receiver="nobody", labels=LABELS))
    is_told("notification_arrives", "FAIL", record, "receiver pager", "nobody was told")


def test_an_alertmanager_that_died_cannot_tell() -> None:
    record = drill().drop("alertmanager").sample(36, AlertmanagerExited(1.0))
    is_told("notification_arrives", "UNKNOWN", record, "Alertmanager ended")


def test_an_alert_that_did_not_fire_has_nothing_to_deliver() -> None:
    is_told("notification_arrives", "UNKNOWN", drill().drop("prometheus", "alert"), "did not fire")


def test_silence_passes() -> None:
    is_told("other_alerts_stay_silent", "PASS", drill())


def test_another_alert_fails_and_is_named() -> None:
    is_told("other_alerts_stay_silent", "FAIL", drill().alert(40, "firing", **OTHER), "HighCpu (critical) after 25 s")


def test_another_level_of_the_expected_alert_counts_unless_it_may_fire() -> None:
    expect = [{"alert": "HighMemoryUsage", "labels": {"severity": "warning"}, "fires_within": "30s"}]
    record = drill().alert(40, "firing", severity="critical")
    strict = plan(alerts={"rules": ["r"], "expect": expect})
    lenient = plan(alerts={"rules": ["r"], "expect": expect, "may_fire": [{"alert": "HighMemoryUsage"}]})
    is_told("other_alerts_stay_silent", "FAIL", record, scenario=strict)
    is_told("other_alerts_stay_silent", "PASS", record, scenario=lenient)


def test_an_alert_that_fired_before_the_leak_is_noise_and_is_named() -> None:
    record = drill().alert(10, "firing", **OTHER).alert(20, "resolved", **OTHER).alert(40, "firing", **OTHER)
    is_told("other_alerts_stay_silent", "PASS", record, "not counted: HighCpu (critical)")


def test_an_alert_that_was_pending_before_the_leak_is_noise() -> None:
    pending = drill().alert(14, "pending", **OTHER).alert(20, "firing", **OTHER)
    is_told("other_alerts_stay_silent", "PASS", pending, "pending before, so not counted: HighCpu (critical)")
    broken = drill().alert(12, "pending", **OTHER).alert(14, "inactive", **OTHER).alert(20, "firing", **OTHER)
    is_told("other_alerts_stay_silent", "FAIL", broken, "HighCpu (critical) after")
    again = pending.alert(24, "inactive", **OTHER).alert(25, "pending", **OTHER).alert(30, "firing", **OTHER)
    is_told("other_alerts_stay_silent", "FAIL", again, "HighCpu (critical) after 15 s")


def test_an_alert_of_a_twin_counts_from_the_baseline_on() -> None:
    is_told("other_alerts_stay_silent", "FAIL", twin().alert(8, "firing"), "HighMemoryUsage", scenario=twin_plan())


def test_silence_of_prometheus_is_not_silence_of_alerts() -> None:
    is_told("other_alerts_stay_silent", "UNKNOWN", silent(drill(), 40, 43), "did not answer")


def test_a_rule_that_cannot_be_evaluated_leaves_silence_unproven() -> None:
    record = drill().sample(20, RuleError("bad matching", rule="HighCpu"))
    is_told("other_alerts_stay_silent", "UNKNOWN", record, "HighCpu could not be evaluated: bad matching")


def test_only_the_alerts_that_must_be_silent_are_watched() -> None:
    expect = [{"alert": "HighMemoryUsage", "fires_within": "30s"}]
    scenario = plan(alerts={"rules": ["r"], "expect": expect, "silent": [{"alert": "DiskFull"}]})
    is_told("other_alerts_stay_silent", "PASS", drill().alert(40, "firing", **OTHER), scenario=scenario)


def test_a_step_that_clears_the_growth_passes() -> None:
    is_told("step_works", "PASS", drill(), "100 % of the growth", "the service then served")


def test_a_step_between_two_rare_readings_is_judged_by_the_one_before_it() -> None:
    rare = drill()
    rare.events = [e for e in rare.events if e.source != "cgroup" or round(e.t % 1, 1) == 0.5]
    is_told("step_works", "PASS", rare)


def test_a_step_that_changes_nothing_fails() -> None:
    record = drill(lambda t: leaking(min(t, 55.4)))
    is_told("step_works", "FAIL", record, "changed nothing", "50 % was wanted within 5 s")


def test_a_step_that_clears_too_little_fails() -> None:
    record = drill(lambda t: leaking(t) if t < 55.5 else flat(t) + 0.8 * (leaking(55.4) - flat(t)))
    is_told("step_works", "FAIL", record, "took away 19")


def test_a_step_that_failed_fails() -> None:
    record = drill().drop("step").act(StepAct("clear the cache"), 55.2, 55.7, "failed", error="answered 500")
    is_told("step_works", "FAIL", record, "answered 500")


def test_a_step_that_frees_memory_by_no_longer_serving_fails() -> None:
    record = drill().change("load", "requests", lambda e: {**e.value, "failures": max(0.0, (e.t - 55) * 100)})  # type: ignore[dict-item]
    is_told("step_works", "FAIL", record, "served nothing")


def test_a_step_whose_alert_never_fired_was_not_tried() -> None:
    steps = [{"name": "clear the cache", "on": "HighMemoryUsage", "http": {"path": "/x"}}]
    record = drill().drop("step").drop("prometheus", "alert")
    record.act(StepAct("clear the cache"), 55.2, 55.3, "failed", error="the alert HighMemoryUsage did not fire in time")
    is_told("step_works", "UNKNOWN", record, "was not carried out", scenario=plan(steps=steps))


def test_a_step_without_growth_to_cure_cannot_be_told() -> None:
    is_told("step_works", "UNKNOWN", drill(flat), "no growth to cure")


def test_a_step_that_was_never_begun_cannot_be_told() -> None:
    is_told("step_works", "UNKNOWN", drill().cut(54), "never begun")


def test_an_alert_that_clears_and_stays_clear_passes() -> None:
    is_told("alert_resolves_and_stays_resolved", "PASS", drill(), "cleared 2.3 s after", "stayed clear for the 13 s")


def test_an_alert_that_keeps_firing_fails() -> None:
    record = drill().drop("prometheus", "alert", after=50)
    is_told("alert_resolves_and_stays_resolved", "FAIL", record, "still firing")


def test_an_alert_that_fires_again_fails() -> None:
    is_told("alert_resolves_and_stays_resolved", "FAIL", drill().alert(66, "firing"), "fired again 10 s after")


def test_an_alert_that_flaps_while_the_step_takes_effect_has_its_whole_time() -> None:
    record = drill().alert(59, "firing").alert(60, "resolved")
    is_told("alert_resolves_and_stays_resolved", "PASS", record, "cleared 4.3 s after")


def test_an_alert_that_clears_too_late_fails() -> None:
    expect = [{"alert": "HighMemoryUsage", "fires_within": "30s", "resolves_within": "1s"}]
    scenario = plan(alerts={"rules": ["r"], "expect": expect})
    is_told("alert_resolves_and_stays_resolved", "FAIL", drill(), "it had 1 s", scenario=scenario)


@pytest.mark.parametrize(
    ("record", "word"),
    [
        (drill().drop("prometheus", "alert"), "did not fire"),
        (silent(drill(), 60, 64), "did not answer"),
        (drill().drop("prometheus", "alert", after=50).alert(70.4, "resolved"), "stays clear cannot be told"),
        (drill().alert(70, "pending"), "pending again"),
    ],
)
def test_clearing_cannot_be_told_without_the_record_of_it(record: Record, word: str) -> None:
    is_told("alert_resolves_and_stays_resolved", "UNKNOWN", record, word)


def test_memory_at_its_baseline_passes() -> None:
    is_told("memory_returns_to_baseline", "PASS", drill(), "60 MiB")


def test_memory_below_its_baseline_passes_and_says_so() -> None:
    record = drill(lambda t: leaking(t) - (9 * MIB if t > 55.5 else 0))
    is_told("memory_returns_to_baseline", "PASS", record, "9 MiB below")


def test_memory_above_its_baseline_fails() -> None:
    record = drill(lambda t: leaking(t) + (30 * MIB if t > 55.5 else 0))
    is_told("memory_returns_to_baseline", "FAIL", record, "stayed 30 MiB above its baseline of 60 MiB")


def test_memory_that_grows_steadily_fails_although_a_step_of_the_allocator_would_be_larger() -> None:
    """Two arenas of 1 MiB are 1.6 KiB for each request here; a leak of less shows because it never stands still."""
    steady = drill(lambda t: leaking(t) + (1300 * 100 * (t - 55.5) if t > 55.5 else 0))
    told = "still grows by 1.27 KiB per request", "at most 1 KiB per request was wanted"
    is_told("memory_returns_to_baseline", "FAIL", steady, *told)
    twins = twin(lambda t: 60 * MIB + max(0, t - 15) * 1300 * 100)
    is_told("memory_does_not_grow", "FAIL", twins, *told, scenario=twin_plan())
    in_steps = drill(lambda t: leaking(t) + MIB * ((t > 62) + 0.4 * (t > 66)))
    is_told(
        "memory_returns_to_baseline", "PASS", in_steps, "the scenario asks for 1 KiB, but slower growth cannot be told"
    )


def test_memory_that_still_grows_fails_even_while_its_level_is_low() -> None:
    record = drill(lambda t: leaking(t) - (20 * MIB - 12 * 1024 * 100 * (t - 55.5) if t > 55.5 else 0))
    is_told("memory_returns_to_baseline", "FAIL", record, "still grows by 12 KiB per request")


def test_memory_near_the_margin_cannot_be_told() -> None:
    wave = [0.0, 5 * MIB, 10 * MIB, 4 * MIB, 1 * MIB, 9 * MIB]
    record = drill(lambda t: leaking(t) + (1.2 * MIB + wave[int(t) % 6] if t > 55.5 else 0))
    is_told("memory_returns_to_baseline", "UNKNOWN", record, "neither surely within")


def test_a_leak_within_the_margin_proves_no_return() -> None:
    tight = plan(expect={"memory": {"level": "500%"}})
    is_told("memory_returns_to_baseline", "UNKNOWN", drill(), "proves nothing", scenario=tight)


def test_a_recovery_too_short_to_see_the_leak_cannot_be_told() -> None:
    small = plan(leaks=[{"name": "cache", "per_request": "3KiB"}])
    record = drill(lambda t: 60 * MIB + (3072 * 100 * (t - 15) if 15 <= t < 55.5 else 0))
    is_told("memory_returns_to_baseline", "UNKNOWN", record, "from the allocator's steps", scenario=small)


def test_one_allocator_step_in_a_healthy_service_passes() -> None:
    record = drill(lambda t: leaking(t) + (MIB if t > 66 else 0))
    is_told("memory_returns_to_baseline", "PASS", record, "slower growth cannot be told")


def test_a_disk_back_at_its_baseline_passes() -> None:
    is_told("disk_returns_to_baseline", "PASS", drill(flat, disk=disk_leaking), scenario=disk_plan())


def test_a_disk_that_stays_full_fails() -> None:
    record = drill(flat, disk=lambda t: disk_leaking(min(t, 55.4)))
    is_told("disk_returns_to_baseline", "FAIL", record, "disk stayed", scenario=disk_plan())


def test_a_disk_without_readings_cannot_be_told() -> None:
    is_told("disk_returns_to_baseline", "UNKNOWN", drill(), scenario=disk_plan())


def failing(record: Record, start: float, share: float) -> Record:
    return record.change(
        "load",
        "requests",
        lambda e: {**e.value, "failures": max(0.0, (e.t - start) * 100 * share)},  # type: ignore[dict-item]
    )


def test_requests_without_failures_pass() -> None:
    is_told("requests_keep_error_rate", "PASS", drill(), "0 of")


def test_failures_outside_the_steps_fail_and_name_the_error() -> None:
    record = failing(drill(), 20, 0.2).sample(30, LoadErrors(40.0, error="HTTP 503", method="POST", request="/predict"))
    is_told("requests_keep_error_rate", "FAIL", record, "HTTP 503 (POST /predict)")


def test_failures_during_a_step_do_not_count_as_failures_outside() -> None:
    burst = drill().change("load", "requests", lambda e: {**e.value, "failures": 90.0 if e.t >= 56 else 0.0})  # type: ignore[dict-item]
    is_told("requests_keep_error_rate", "PASS", burst)
    strict = plan(expect={"step_errors": "5%"})
    is_told("requests_survive_steps", "FAIL", burst, "during the steps", scenario=strict)
    is_told("requests_survive_steps", "PASS", drill(), scenario=strict)
    is_told("requests_survive_steps", "UNKNOWN", drill().drop("step"), scenario=strict)


def test_no_requests_at_all_cannot_be_told() -> None:
    record = drill().change("load", "requests", lambda _: {"requests": 0.0, "failures": 0.0})
    record.sample(30, LoadErrors(9.0, error="ConnectionRefusedError", method="GET", request="/"))
    is_told("requests_keep_error_rate", "UNKNOWN", record, "never reached the target", "ConnectionRefusedError")
    is_told("requests_keep_latency", "UNKNOWN", record, "never reached the target")


def test_a_locust_that_died_cannot_tell() -> None:
    record = drill().drop("load", "requests", after=40).sample(40, LoadExited(2.0))
    is_told("requests_keep_error_rate", "UNKNOWN", record, "exit code 2")


def test_a_load_that_ended_itself_is_told_with_its_reason() -> None:
    over = LoadExited(0.0, reason="its load shape Stages was over")
    record = drill().drop("load", "requests", after=40).sample(40, over)
    is_told("requests_keep_error_rate", "UNKNOWN", record, "at 40 s, because its load shape Stages was over")
    is_told("measurements_are_complete", "UNKNOWN", record, "because its load shape Stages was over")


def test_quick_answers_pass_and_slow_ones_fail() -> None:
    is_told("requests_keep_latency", "PASS", drill(), "p99 was 12 ms")
    slow = drill().change("load", "requests", lambda e: {**e.value, "p99_ms": 900.0})  # type: ignore[dict-item]
    is_told("requests_keep_latency", "FAIL", slow, "p99 was 900 ms", "at most 500 ms")
    failed = drill().change("load", "requests", lambda e: {**e.value, "failures": e.value["requests"] * 0.6})  # type: ignore[dict-item,index,call-overload]
    is_told("requests_keep_latency", "UNKNOWN", failed, "how long failures take says nothing")


def test_a_target_that_never_ended_passes() -> None:
    is_told("target_keeps_running", "PASS", drill())


def test_an_unasked_end_fails_and_names_the_signal() -> None:
    record = drill().sample(40, TargetExited(-11.0, signal="SIGSEGV", oom_kill="false"))
    is_told("target_keeps_running", "FAIL", record, "by signal SIGSEGV at 40 s")


def test_an_oom_kill_of_a_child_fails_although_the_target_lives_on() -> None:
    record = drill().change("cgroup", "resources", lambda e: {**e.value, "oom_kills": float(e.t > 50)})  # type: ignore[dict-item]
    is_told("target_keeps_running", "FAIL", record, "a process of the target was OOM-killed")


def test_an_expected_oom_kill_passes() -> None:
    record = drill().sample(54, TargetExited(-9.0, signal="SIGKILL", oom_kill="true"))
    record.change("cgroup", "resources", lambda e: {**e.value, "oom_kills": float(e.t > 54)})  # type: ignore[dict-item]
    is_told("target_keeps_running", "PASS", record, "1 expected OOM kill", scenario=plan(expect={"oom_kills": 1}))


def test_a_record_without_gaps_passes() -> None:
    is_told("measurements_are_complete", "PASS", drill())


def test_a_restart_is_no_gap() -> None:
    record = drill().drop("cgroup", after=55.2, until=58).act(TargetRestart(), 55.2, 57)
    is_told("measurements_are_complete", "PASS", record)


@pytest.mark.parametrize(
    ("record", "word"),
    [
        (drill().drop("cgroup", after=20, until=23), "cgroup/resources was silent for 3"),
        (silent(drill(), 20, 23), "Prometheus did not answer for 3"),
        (drill().sample(30, PrometheusExited(-9.0)), "Prometheus ended on its own"),
        (drill().drop("cgroup"), "no meter read the target's memory"),
        (drill().cut(50), "`recover` was never reached"),
        (drill().sample(30, WorkerLost(1, wanted="4")), "Locust lost 1 of 4 workers"),
        (phases(Record()), "no meter"),
    ],
)
def test_a_gap_is_named(record: Record, word: str) -> None:
    is_told("measurements_are_complete", "UNKNOWN", record, word)


def test_a_meter_that_could_not_be_read_is_named_with_its_error() -> None:
    record = drill().drop("cgroup", after=20, until=23).sample(21, CgroupResources(error="EACCES"))
    is_told("measurements_are_complete", "UNKNOWN", record, "EACCES")


def test_requests_are_counted_from_the_warm_up_on() -> None:
    assert requests_at(3) == 100


def test_a_sigkill_far_from_the_limit_is_not_called_memory() -> None:
    ends = {"false": "the kernel killed nothing of it for memory", "unknown": "nobody counts here"}
    for counted, hint in ends.items():
        record = drill().sample(40, TargetExited(-9.0, signal="SIGKILL", oom_kill=counted))
        told = verdict("target_keeps_running", record)
        assert told.outcome == "FAIL"
        assert "by signal SIGKILL at 40 s, and nobody had asked" in told.message
        assert told.hint.startswith(hint)


def test_an_error_status_is_told_as_an_answer_and_not_by_its_class() -> None:
    record = drill().change("load", "requests", lambda e: {**e.value, "failures": e.value["requests"]})  # type: ignore[dict-item,index,call-overload]
    record.sample(30, LoadErrors(9.0, error="LocustBadStatusCode(code=500)", method="GET", request="/work"))
    is_told("requests_keep_error_rate", "FAIL", record, "most often: answered 500 (GET /work)")
