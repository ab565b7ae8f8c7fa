"""A drill on a service that ran already: judged as any other, and never with PASS once the service had ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from histories import MIB, Record, complete, drill, plan

from leakdrill.judging.drill import judge
from leakdrill.judging.evidence.target_acts import act_doubts
from leakdrill.record.events import RecordCovers, TargetExited, TargetLeave, TargetReady, TargetRestart, TargetStart
from leakdrill.record.verdict import Outcome

if TYPE_CHECKING:
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

TARGET = {"name": "gateway", "url": "http://127.0.0.1:8000"}


def record() -> Record:
    """A drill that went well, on a service that was found and left."""
    made = complete(drill())
    made.drop("target", "start").drop("filesystem")
    made.act(TargetStart(port="8000", more={"found": "pid 4121 (gateway)"}), 0.5, 1.5)
    return made.act(TargetLeave(), 71.1, 71.2)


def existing(**changes: object) -> Scenario:
    return plan(target=TARGET, **changes)


def judged(made: Record, scenario: Scenario | None = None) -> dict[str, Verdict]:
    return {verdict.check: verdict for verdict in judge(made.history(), scenario or existing())}


def outcomes(made: Record, scenario: Scenario | None = None) -> set[Outcome]:
    return {verdict.outcome for verdict in judged(made, scenario).values()}


def test_a_drill_on_a_service_that_ran_already_passes() -> None:
    assert {v.check: v.message for v in judged(record()).values() if v.outcome != "PASS"} == {}


@pytest.mark.parametrize("at_s", [5.0, 40.0, 60.0])
@pytest.mark.parametrize("oom_kill", ["true", "unknown"])
def test_an_end_that_nobody_asked_for_is_never_a_pass(at_s: float, oom_kill: str) -> None:
    ended = record().sample(at_s, TargetExited(None, pid="4121", signal="", oom_kill=oom_kill))
    for source in ("cgroup", "process", "service"):
        ended.drop(source, after=at_s)
    verdicts = judged(ended)
    assert verdicts["target_keeps_running"].outcome == "FAIL"
    said = "the target was OOM-killed at" if oom_kill == "true" else "the target ended at"
    assert said in verdicts["target_keeps_running"].message
    for check in ("memory_returns_to_baseline", "step_works"):
        assert at_s > 55 or verdicts[check].outcome != "PASS", verdicts[check]


def test_a_service_of_which_nothing_was_measured_passes_nothing_about_its_memory() -> None:
    silent = record().drop("cgroup").drop("process")
    assert judged(silent)["memory_returns_to_baseline"].outcome == "UNKNOWN"
    assert judged(silent)["leak_grows_as_declared"].outcome == "UNKNOWN"


def test_a_record_of_a_process_that_the_drill_started_is_none_of_a_service_that_ran() -> None:
    covers = RecordCovers(file="run.json", sha256="0" * 64)
    found, started = record().sample(0.0, covers), complete(drill()).act(TargetLeave(), 71.1, 71.2).sample(0.0, covers)
    assert list(act_doubts(found.history(), existing())) == []
    assert list(act_doubts(started.history(), plan())) == []
    for made, scenario in ((found, plan()), (started, existing())):
        (doubt,) = act_doubts(made.history(), scenario)
        assert "the target was started as" in doubt.text


def test_another_process_that_nobody_restarted_is_in_doubt() -> None:
    replaced = record().sample(30, TargetReady(process=4999.0))
    assert Outcome.UNKNOWN in outcomes(replaced)


def test_a_restart_after_which_the_same_process_is_there_is_in_doubt() -> None:
    scenario = existing(steps=[{"name": "clear the cache", "restart": {}}])
    restarted = record().act(TargetRestart(), 55.2, 55.6).sample(55.6, TargetReady(process=4121.0))
    restarted.sample(0.0, RecordCovers(file="run.json", sha256="0" * 64))
    assert "the same process was ready before" in " ".join(d.text for d in act_doubts(restarted.history(), scenario))


def test_a_limit_other_than_the_scenarios_is_in_doubt() -> None:
    limited = plan(target=TARGET | {"limits": {"memory": "300MiB"}})
    about = judged(record(), limited)
    assert Outcome.UNKNOWN in {v.outcome for v in about.values()}
    assert outcomes(record(), plan(target=TARGET | {"limits": {"memory": f"{400 * MIB}B"}})) == {Outcome.PASS}
