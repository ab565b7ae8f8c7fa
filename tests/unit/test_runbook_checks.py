"""The checks of a rehearsal: one record that passes, one that fails and one that cannot be told, for each claim."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from histories import ALERT, MIB, PER_REQUEST, Record, meters, plan

from leakdrill.judging.doubted import doubted
from leakdrill.judging.evidence.doubt import Doubt
from leakdrill.judging.evidence.rehearsed import Rehearsed
from leakdrill.judging.rehearsal import judge_rehearsal, judge_rehearsed
from leakdrill.judging.rehearsal_control import needed
from leakdrill.judging.rehearsal_facts import rehearsal_facts
from leakdrill.record.events import (
    LeakSwitchOff,
    LeakSwitchOn,
    Notification,
    RunPhase,
    StepAct,
    StepSkipped,
    TargetExited,
    TargetReady,
    TargetStart,
)
from leakdrill.runs.rehearsal.prepared import Prepared
from leakdrill.scenario.rehearsal import CLEARED, LeftOut, Rehearsal, RehearsedStep, Sought
from leakdrill.scenario.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.verdict import Verdict

PHASES = {
    "setup": (0, 2),
    "warmup": (2, 5),
    "baseline": (5, 15),
    "load": (15, 54),
    "mitigate": (54, 64),
    "recover": (64, 71),
    "teardown": (71, 72),
}
LOOK = "line 9: docker stats gateway --no-stream"
CLEAR = "line 12: curl -X POST http://localhost:8000/admin/clear-cache"
RESTART = "line 13: docker-compose restart gateway"
SCALE = "line 16: kubectl scale deployment/gateway --replicas=3"
ABOVE = Sought(line=10, text="above 75%", above=True, bound=75, unit="%")


def relieved(t: float) -> float:
    """Memory that the step at 55.5 s clears while the leak goes on until 64 s."""
    since = 15 if t < 55.5 else 55.5
    return 60 * MIB + (PER_REQUEST * 100 * (min(t, 64) - since) if t >= 15 else 0)


def unrelieved(t: float) -> float:
    """Memory that nothing clears."""
    return 60 * MIB + (PER_REQUEST * 100 * (min(t, 64) - 15) if t >= 15 else 0)


def look(said: str = "gateway 87.5%", *, code: str = "0") -> StepAct:
    facts = {"exit": code, "said": said, "took_s": "0.2"}
    return replace(StepAct(LOOK, action="command"), more=facts)


def record(
    memory: Callable[[float], float] = relieved, *, shown: StepAct | None = None, clears: bool = False
) -> Record:
    """A rehearsal in which the look answers, the clearing relieves, and the restart is not needed any more.

    With other memory the alert goes on and the restart is carried out too, unless it `clears`.
    """
    made = meters(Record(), memory)
    for name, (start, end) in PHASES.items():
        made.act(RunPhase(phase=name), start, end)
    made.act(TargetStart(), 0.5, 1.5).sample(1.5, TargetReady(process=4121.0))
    made.act(LeakSwitchOn(leak="cache"), 15.01, 15.05).act(LeakSwitchOff(leak="cache"), 64.01, 64.05)
    made.alert(30.2, "pending", at=30).alert(35.2, "firing", at=35)
    made.sample(37, Notification("firing", at=35, receiver="pager", labels=ALERT))
    made.act(shown or look(), 54.2, 54.5)
    made.act(StepAct(CLEAR, action="http"), 55.2, 55.7)
    if clears or memory is relieved:
        made.alert(58.2, "resolved", at=58).sample(58.5, StepSkipped(RESTART, CLEARED))
    else:
        made.act(StepAct(RESTART, action="restart"), 60, 60.5)
    return made


def way(*more: RehearsedStep, **changes: object) -> Rehearsed:
    """The plan of `record`, with more steps of the runbook at the end."""
    steps = [
        RehearsedStep(name=LOOK, line=9, text="docker stats gateway --no-stream", kind="look", where="this machine",
                      sought=ABOVE),
        RehearsedStep(name=CLEAR, line=12, text="curl …", kind="change", where="the target"),
        RehearsedStep(name=RESTART, line=13, text="docker-compose restart gateway", kind="change", where="the target"),
        *more,
    ]  # fmt: skip
    made = {LOOK: {"command": {"shell": "docker stats"}, "seen": {"nothing": True}}, SCALE: {"scale": {"replicas": 3}},
            CLEAR: {"http": {"path": "/admin/clear-cache"}}, RESTART: {"restart": {}}}  # fmt: skip
    scenario = plan(steps=[{"name": step.name, **made.get(step.name, {"restart": {}})} for step in steps])
    rehearsal = Rehearsal(runbook="memory.md", alert={"alert": "HighMemoryUsage"}, steps=steps)
    return Rehearsed(scenario, rehearsal.model_copy(update=changes))


def verdict(check: str, of: Record, rehearsed: Rehearsed | None = None) -> Verdict:
    judged = judge_rehearsed(of.history(), rehearsed or way())
    return next(v for v in judged if v.check == check)


def test_a_runbook_that_went_well_passes_everything():
    verdicts = judge_rehearsed(record().history(), way())
    assert [str(v.outcome) for v in verdicts if v.outcome != "PASS"] == [], verdicts
    assert [(v.check, v.subject) for v in verdicts if v.check.startswith(("look", "step", "runbook"))] == [
        ("step_works", CLEAR),
        ("look_answers", LOOK),
        ("look_shows_number", LOOK),
        ("runbook_relieves", ""),
        ("runbook_leaves_nothing_changed", ""),
    ]


def test_its_record_contradicts_nothing_though_a_step_was_left_out():
    verdicts = judge_rehearsal(record().history(), way())
    assert not [v.message for v in verdicts if "are not those of the scenario" in v.message]


def test_a_meter_that_lacks_readings_says_nothing_against_a_look():
    """As `process/tree` on a busy machine, of which whether a look answered does not depend."""
    lacking = [Doubt("process/tree lacks readings", (), frozenset({"memory"}))]
    verdicts = judge_rehearsed(record().history(), way())
    after = {v.check: v.outcome for v in doubted(verdicts, lacking, way().scenario)}
    assert after["look_answers"] == after["runbook_leaves_nothing_changed"] == "PASS"
    assert after["runbook_relieves"] == "UNKNOWN"


def test_what_a_runbook_relieved_is_told_with_the_step_that_did_it():
    told = verdict("runbook_relieves", record())
    assert (told.outcome, told.numbers["relieved_after_s"]) == ("PASS", 23)
    assert CLEAR in told.message


def test_a_runbook_whose_steps_do_nothing_fails_and_names_them():
    told = verdict("runbook_relieves", record(unrelieved))
    assert told.outcome == "FAIL"
    assert f"did nothing: {CLEAR}; {RESTART}" in told.message
    assert verdict("step_works", record(unrelieved)).outcome == "FAIL"


def test_what_was_not_carried_out_is_named_where_the_alert_goes_on():
    wrong = LeftOut(line=20, text="docker restart redis", kind="change", why="it restarts redis")
    told = verdict("runbook_relieves", record(unrelieved), way(left_out=[wrong]))
    assert "not carried out: line 20 (it restarts redis)" in told.message


def test_a_service_that_ends_is_not_relieved_though_its_alert_is_quiet():
    gone = record(unrelieved).sample(59, TargetExited(oom_kill="true"))
    told = verdict("runbook_relieves", gone.alert(59.5, "resolved", at=59.5))
    assert (told.outcome, "the target ended 24 s after" in told.message) == ("FAIL", True)
    assert f"did nothing: {CLEAR}" in told.message


def clears_at(cleared_s: float) -> Callable[[float], float]:
    """Memory that the change at 55.5 s brings down only at `cleared_s`, as an allocator does that keeps freed pages."""
    return lambda t: relieved(t) if t >= cleared_s else unrelieved(t)


AGAIN = "line 14: docker stats gateway"
LOOKED_AGAIN = RehearsedStep(name=AGAIN, line=14, text="docker stats gateway", kind="look", where="this machine")


@pytest.mark.parametrize(("cleared_s", "outcome"), [(59.5, "PASS"), (62.5, "FAIL")])
def test_a_look_after_a_change_leaves_the_change_the_time_that_it_has(cleared_s, outcome):
    made = record(clears_at(cleared_s), clears=True).act(replace(look(), step=AGAIN), 56, 56.2)
    assert verdict("step_works", made, way(LOOKED_AGAIN)).outcome == outcome


@pytest.mark.parametrize(("cleared_s", "outcome"), [(66, "PASS"), (68.5, "FAIL")])
def test_a_change_may_take_its_time_beyond_the_end_of_the_runbook(cleared_s, outcome):
    made, rehearsed = record(clears_at(cleared_s), clears=True), way()
    first, change, *rest = rehearsed.scenario.steps
    change = change.model_copy(update={"seen": Seen.model_validate({"falls_by": "50%", "within": "12s"})})
    scenario = rehearsed.scenario.model_copy(update={"steps": [first, change, *rest]})
    told = verdict("runbook_relieves", made, rehearsed._replace(scenario=scenario))
    assert told.outcome == outcome, told


def test_an_alert_that_is_quiet_while_the_memory_stays_is_no_relief():
    quiet = record(unrelieved).alert(58.2, "resolved", at=58)
    told = verdict("runbook_relieves", quiet)
    assert told.outcome == "FAIL"
    assert "0 % of the growth of memory went away" in told.message


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        (lambda made: made.drop("prometheus", "alert"), "did not fire"),
        (lambda made: made.drop("prometheus", "poll", after=56), "cannot be told"),
        (lambda made: made.drop("prometheus", "alert", after=50).alert(52, "resolved", at=52), "else cleared"),
        (lambda made: made.cut(58), "ended before"),
    ],
)  # fmt: skip
def test_whether_it_relieved_is_unknown_where_nobody_can_tell(spoilt, words):
    told = verdict("runbook_relieves", spoilt(record()))
    assert (told.outcome, words in told.message) == ("UNKNOWN", True), told


@pytest.mark.parametrize(
    ("shown", "outcome", "words"),
    [
        (look(), "PASS", "answered in"),
        (look("", code="0"), "FAIL", "said nothing"),
        (look("sh: nvidia-smi: not found", code="127"), "FAIL", "a program in it is not there"),
        (look("permission denied", code="2"), "FAIL", "ended with status 2"),
    ],
)
def test_a_look_answers_or_does_not(shown, outcome, words):
    told = verdict("look_answers", record(shown=shown))
    assert (told.outcome, words in told.message) == (outcome, True), told


def test_a_search_that_finds_nothing_has_answered():
    rehearsed = way()
    steps = [step.model_copy(update={"text": "kubectl get events | grep -i oom"}) for step in rehearsed.rehearsal.steps]
    searching = rehearsed._replace(rehearsal=rehearsed.rehearsal.model_copy(update={"steps": steps}))
    told = verdict("look_answers", record(shown=look("", code="1")), searching)
    assert (told.outcome, "nothing to show" in told.message) == ("PASS", True)


def test_a_look_that_was_never_begun_or_whose_end_nobody_saw_is_unknown():
    assert verdict("look_answers", record().drop("step", LOOK)).outcome == "UNKNOWN"
    unended = record().drop("step", LOOK).act(look(), 54.2, None)
    assert verdict("look_answers", unended).outcome == "UNKNOWN"


def test_a_look_that_could_not_be_carried_out_fails():
    failed = record().drop("step", LOOK).act(look(), 54.2, 54.4, "failed", error="no such container")
    told = verdict("look_answers", failed)
    assert (told.outcome, "no such container" in told.message) == ("FAIL", True)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [("gateway 87.5%", "PASS"), ("gateway 12%", "FAIL"), ("gateway 1.8GiB", "UNKNOWN")],
)
def test_the_number_that_the_text_tells_to_look_for_is_there_or_not(said, outcome):
    assert verdict("look_shows_number", record(shown=look(said))).outcome == outcome


def test_a_number_of_a_look_that_was_not_carried_out_is_unknown():
    assert verdict("look_shows_number", record().drop("step", LOOK)).outcome == "UNKNOWN"


SCALED = RehearsedStep(name=SCALE, line=16, text="kubectl scale", kind="change", where="the target",
                       subject="replicas", undo="scale to the number of replicas before")  # fmt: skip


def scaled(end: float | None = 59.5) -> Record:
    return record().act(StepAct(SCALE, action="scale"), 59, end)


def test_a_change_that_nobody_takes_back_fails_and_is_named():
    told = verdict("runbook_leaves_nothing_changed", scaled(), way(SCALED))
    assert (told.outcome, SCALE in told.message) == ("FAIL", True)


def test_a_change_that_is_taken_back_or_meant_to_stay_is_no_matter():
    back = SCALED.model_copy(update={"name": "line 30: back", "undo": None, "takes_back": SCALE})
    both = scaled().act(StepAct("line 30: back", action="restart"), 61, 61.5)
    assert verdict("runbook_leaves_nothing_changed", both, way(SCALED, back)).outcome == "PASS"
    stays = SCALED.model_copy(update={"undo": None, "stays": "the load has grown"})
    assert "meant to stay" in verdict("runbook_leaves_nothing_changed", scaled(), way(stays)).message


def test_what_is_left_changed_is_unknown_where_a_change_has_no_end():
    assert verdict("runbook_leaves_nothing_changed", scaled(None), way(SCALED)).outcome == "UNKNOWN"
    assert verdict("runbook_leaves_nothing_changed", record().cut(58)).outcome == "UNKNOWN"


def test_the_facts_say_when_the_metric_followed_at_what_cost_and_whether_it_comes_back():
    history = record().history()
    facts = rehearsal_facts(history, way(), judge_rehearsed(history, way()))
    assert (facts.outcome, facts.relieved_after_s, facts.failed_requests, facts.comes_back) == ("PASS", 23, 0, True)
    seen, cleared, restarted = facts.steps
    assert (seen.exit_status, seen.outcome) == (0, "PASS")
    assert cleared.followed_after_s == pytest.approx(0.3, abs=0.11)
    assert (restarted.outcome, restarted.note) == ("", CLEARED)
    assert facts.as_dict()["steps"][2]["note"] == CLEARED


def test_a_control_run_leaves_out_one_change_and_what_was_not_needed_with_it():
    """Else the restart, which nobody needed, would do the work of the change that is left out."""
    control = Prepared(*way()).without(CLEAR, unneeded=[RESTART])
    assert [step.name for step in control.rehearsal.steps] == [LOOK, CLEAR]
    assert [step.name for step in control.scenario.steps] == [LOOK, CLEAR]
    assert control.rehearsal.without == CLEAR


def test_what_takes_a_change_back_or_is_to_change_no_metric_has_no_control_run():
    up = RehearsedStep(name=SCALE, line=16, text="…", kind="change", where="the target", subject="replicas")
    down = up.model_copy(update={"name": "line 20: back", "line": 20, "takes_back": SCALE})
    prepared = Prepared(*way(up, down))
    assert [step.name for step in prepared.relieving()] == [CLEAR, RESTART, SCALE]
    quiet = [
        one.model_copy(update={"seen": Seen.model_validate({"nothing": True})}) if one.name == RESTART else one
        for one in prepared.scenario.steps
    ]
    mild = Prepared(prepared.scenario.model_copy(update={"steps": quiet}), prepared.rehearsal)
    assert [step.name for step in mild.relieving()] == [CLEAR, SCALE]


def test_a_change_is_needed_only_where_the_runbook_fails_without_it():
    history = record().history()
    good = rehearsal_facts(history, way(), judge_rehearsed(history, way()))
    step = way().rehearsal.steps[1]
    bad, unknown = replace(good, outcome="FAIL"), replace(good, outcome="UNKNOWN")
    assert needed(step, good, bad).outcome == "PASS"
    assert "luck" in needed(step, good, good).message
    alone = needed(step, good, replace(unknown, cleared_unchanged=True, relieved_after_s=4.0))
    assert (alone.outcome, "clears by itself, 4 s after it fired" in alone.message) == ("FAIL", True)
    assert needed(step, bad, replace(unknown, cleared_unchanged=True)).outcome == "UNKNOWN"
    assert needed(step, unknown, None).message.startswith("it cannot be told with it")
    assert needed(step, bad, None).message == "the runbook does not relieve with it either"
    assert [needed(step, *pair).outcome for pair in ((good, good), (good, unknown), (unknown, bad), (bad, bad))] == [
        "FAIL",
        "UNKNOWN",
        "UNKNOWN",
        "UNKNOWN",
    ]
