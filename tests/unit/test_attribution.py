"""Who could not be seen is not blamed: what failed after the platform fell silent, and what had failed before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from histories import Record, drill, plan

from leakdrill.judging.drill import judge
from leakdrill.record.events import GpuSilent, StepAct, TargetExited, TargetUnwatched, TargetWatchedAgain

if TYPE_CHECKING:
    from leakdrill.record.history import Event
    from leakdrill.record.verdict import Verdict

WHY = "the engine does not answer: connection refused"


def told(record: Record) -> dict[str, Verdict]:
    scenario = plan(expect={"step_errors": "10%"})
    return {verdict.check: verdict for verdict in judge(record.history(), scenario)}


def failing_from(from_s: float, record: Record | None = None) -> Record:
    """Every request fails from `from_s` on."""

    def failures(event: Event) -> object:
        return event.value | {"failures": max(0.0, (event.t - from_s) * 100)} if isinstance(event.value, dict) else None

    return (record or drill()).change("load", "requests", failures)


def lost(at_s: float, record: Record, *, told_after_s: float = 0) -> Record:
    return record.sample(at_s + told_after_s, TargetUnwatched(WHY, at=at_s))


def test_requests_that_fail_after_the_engine_went_away_are_not_laid_on_the_service() -> None:
    verdict = told(lost(30, failing_from(30)))["requests_keep_error_rate"]
    assert verdict.outcome == "UNKNOWN"
    assert verdict.message.endswith(f"not laid on the service, because from 30 s on nobody could see it: {WHY}")
    assert verdict.hint == "run the drill again when the platform answers"


@pytest.mark.parametrize("record", [failing_from(30), lost(60, failing_from(20))], ids=["never lost", "lost later"])
def test_what_failed_while_it_was_seen_stays_a_fail(record: Record) -> None:
    assert told(record)["requests_keep_error_rate"].outcome == "FAIL"


def test_what_failed_before_is_told_as_it_was_seen_then() -> None:
    verdict = told(lost(40, failing_from(20)))["requests_keep_error_rate"]
    assert verdict.outcome == "FAIL"
    assert verdict.numbers["requests"] < 3500, "what came after the loss was counted too"


def test_the_loss_counts_from_when_nobody_saw_any_more_and_not_from_when_it_was_noticed() -> None:
    assert told(lost(30, failing_from(30), told_after_s=3))["requests_keep_error_rate"].outcome == "UNKNOWN"


def test_an_engine_that_comes_back_and_tells_of_the_target_has_hidden_nothing_of_its_life() -> None:
    away = lost(30, drill())
    verdict = told(away)["target_keeps_running"]
    assert verdict.outcome == "UNKNOWN"
    assert "from 30 s on nobody could see it" in verdict.message
    assert told(away.sample(36, TargetWatchedAgain()))["target_keeps_running"].outcome == "PASS"
    assert told(lost(40, away))["target_keeps_running"].outcome == "UNKNOWN", "it went away again"


def test_what_failed_while_the_engine_was_away_is_not_laid_on_the_service_afterwards() -> None:
    verdict = told(lost(30, failing_from(30)).sample(36, TargetWatchedAgain()))["requests_keep_error_rate"]
    assert verdict.outcome == "UNKNOWN"
    assert f"because from 30 s to 36 s nobody could see it: {WHY}" in verdict.message


def failed_step(record: Record) -> Record:
    return record.drop("step").act(
        StepAct("clear the cache", action="http"), 55.2, 55.7, "failed", error="it was refused"
    )


def test_a_step_that_fails_because_the_engine_is_gone_is_unknown() -> None:
    assert told(failed_step(drill()))["step_works"].outcome == "FAIL"
    assert told(lost(50, failed_step(drill())))["step_works"].outcome == "UNKNOWN"
    assert told(lost(60, failed_step(drill())))["step_works"].outcome == "FAIL"


def test_a_step_under_way_at_that_moment_is_not_judged_by_its_first_half() -> None:
    """Requests failed during the step, as they do in a restart: what share of them would have, nobody saw."""
    broken = failing_from(55.3, drill())
    assert told(broken)["requests_survive_steps"].outcome == "FAIL"
    assert told(lost(56.5, failing_from(55.3)))["requests_survive_steps"].outcome == "UNKNOWN"


def test_an_end_of_the_target_before_the_loss_stays_its_fail_and_one_after_it_is_unknown() -> None:
    def killed(at_s: float) -> Record:
        return drill().sample(at_s, TargetExited(137.0, oom_kill="true", signal="SIGKILL"))

    assert told(lost(40, killed(35)))["target_keeps_running"].outcome == "FAIL"
    assert told(lost(40, killed(45)))["target_keeps_running"].outcome == "UNKNOWN"


def test_a_card_that_was_lost_later_excuses_nothing_that_had_failed_before() -> None:
    scenario = plan(target={"name": "gateway", "command": ["gateway"], "limits": {"memory": "400MiB"}, "gpu": {}})

    def outcome(lost_s: float) -> str:
        record = failing_from(20).sample(lost_s, GpuSilent("lost", device_key="gpu0", error="GPU is lost"))
        verdicts = {verdict.check: verdict for verdict in judge(record.history(), scenario)}
        return verdicts["requests_keep_error_rate"].outcome

    assert outcome(20) == "UNKNOWN"
    assert outcome(40) == "FAIL"
