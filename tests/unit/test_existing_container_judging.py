"""A drill on a container that ran already: judged as any other, and its end by somebody else is not laid on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from histories import Record, complete, drill, plan

from leakdrill.judging.drill import judge
from leakdrill.record.events import TargetExited, TargetLeave, TargetStart, TargetUnwatched

if TYPE_CHECKING:
    from leakdrill.record.verdict import Verdict

SCENARIO = plan(target={"name": "gateway", "container": "gateway-1"})


def record() -> Record:
    """A drill that went well, on a container that was found and left."""
    made = complete(drill())
    made.drop("target", "start").drop("filesystem")
    made.act(TargetStart(more={"image": "shop", "container": "gateway-1"}), 0.5, 1.5)
    return made.act(TargetLeave(), 71.1, 71.2)


def judged(made: Record) -> dict[str, Verdict]:
    return {verdict.check: verdict for verdict in judge(made.history(), SCENARIO)}


def test_a_drill_on_a_container_that_ran_already_passes() -> None:
    assert {v.check: v.message for v in judged(record()).values() if v.outcome != "PASS"} == {}


def test_an_end_by_itself_is_its_own_and_one_by_somebody_else_is_unknown() -> None:
    alone = record().sample(40.0, TargetExited(137.0, signal="SIGKILL", oom_kill="false"))
    assert judged(alone)["target_keeps_running"].outcome == "FAIL"
    why = "container gateway-1: somebody else than the drill ended it"
    others = record().sample(40.0, TargetUnwatched(message=why))
    verdict = judged(others)["target_keeps_running"]
    assert verdict.outcome == "UNKNOWN"
    assert why in verdict.message
