"""Whether the target did what a drill on its kind makes it do: started, stopped, restarted and changed by its steps.

Only a sealed record has everything that is asked for here: those of earlier versions had less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.doubt import HOST_RESOURCES, TARGET, Doubt
from leakdrill.judging.evidence.sealed_record import is_sealed
from leakdrill.judging.evidence.windows import step_runs
from leakdrill.record.events import (
    LeakSwitchOn,
    TargetLeave,
    TargetLimits,
    TargetReady,
    TargetReplicas,
    TargetRestart,
    TargetScale,
    TargetStart,
    TargetStop,
)
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.judging.evidence.windows import StepRun
    from leakdrill.record.history import History
    from leakdrill.scenario.scenario import Scenario

_WHERE: Final = {"image": "docker", "project": "compose", "context": "kubernetes", "found": "existing"}
"""The label of a start that says on what the target runs."""
_NUMBERED: Final = ("process", "docker", "kubernetes", "existing")
"""Targets whose processes are known by their numbers, where they can be seen."""
_SWITCHED_WITHIN_S: Final = 3.0


def act_doubts(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """What a drill always does to its target, and the record does not tell."""
    if not is_sealed(history):
        return
    yield from _started(history, scenario)
    for run in step_runs(history):
        yield from _done(history, scenario, run)
    yield from _replaced(history, scenario)
    yield from _switched_late(history)


def _about(text: str, *events: int) -> Doubt:
    return Doubt(text, events, HOST_RESOURCES | {TARGET, "disk"})


def _started(history: History, scenario: Scenario) -> Iterator[Doubt]:
    starts, kind = history.acts(TargetStart), scenario.target.kind
    if not starts:
        yield _about("the record does not tell of a start of the target")
    for act in starts:
        ran_on = {of for label, of in _WHERE.items() if label in act.begin.more} or {"process"}
        if kind in {*_WHERE.values(), "process"} and kind not in ran_on:
            text = f"the target was started as {' and '.join(sorted(ran_on))}; the scenario says {kind}"
            yield _about(text, act.begin.index)
            break
    torn_down = history.phase("teardown")
    ends = [act for event_class in (TargetStop, TargetLeave) for act in history.acts(event_class)]
    if torn_down is not None and not any(act.begin.t >= torn_down[0] for act in ends):
        yield _about("the record does not tell of an end of the target")


def _done(history: History, scenario: Scenario, run: StepRun) -> Iterator[Doubt]:
    """What a step that ended well did to the target, where it is the drill that does it."""
    if not run.act.succeeded or scenario.target.kind not in _NUMBERED:
        return
    action, within = run.act.begin.action, (run.start_s, run.end_s)
    begun = {
        "restart": [act.begin.t for act in history.acts(TargetRestart)],
        "scale": [act.begin.t for act in history.acts(TargetScale)] + [told.t for told in history.of(TargetReplicas)],
    }
    if action in begun and not any(within[0] <= t <= within[1] for t in begun[action]):
        yield _about(f"{run.act.name} ended well, and the record tells of no {action}", run.act.begin.index)
    http = next((step.http for step in scenario.steps if step.name == run.act.name), None)
    status = "" if run.act.end is None else run.act.end.more.get("status", "")
    if http is not None and status and status != str(http.expect_status):
        text = f"{run.act.name} ended well with the status {status}; the scenario expects {http.expect_status}"
        yield _about(text, run.act.begin.index)
    limits = next((step.set_limits for step in scenario.steps if step.name == run.act.name), None)
    told = any(within[0] <= event.t <= within[1] for event in history.of(TargetLimits))
    if limits is not None and limits.memory is not None and not told:
        yield _about(f"{run.act.name} ended well, and the record tells of no limit", run.act.begin.index)


def _replaced(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """A restart after which no other process was ready."""
    if scenario.target.kind not in _NUMBERED:
        return
    ready = [event for event in history.of(TargetReady) if event.process]
    for act in history.acts(TargetRestart):
        before = [event.process for event in ready if event.t < act.begin.t]
        after = [event for event in ready if act.end is not None and act.begin.t <= event.t <= act.end.t]
        when = show_duration(act.begin.t)
        if before and act.succeeded and not after:
            yield _about(f"nothing was ready after the restart at {when}", act.begin.index)
        elif before and any(event.process in before for event in after):
            yield _about(f"the same process was ready before the restart at {when} and after it", act.begin.index)


def _switched_late(history: History) -> Iterator[Doubt]:
    """A leak that was not switched on at once when its phase began: what grew until then was something else."""
    load, acts = history.phase("load"), history.acts(LeakSwitchOn)
    if load is None or not acts:
        return
    first = acts[0].begin
    if first.t > load[0] + _SWITCHED_WITHIN_S:
        text = f"{first.leak} was switched on {show_duration(first.t - load[0])} after the phase `load` had begun"
        yield Doubt(text, (first.index,))
