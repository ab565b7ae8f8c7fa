"""Whether the lines of a record are those of one whole drill: numbered, in order, acts closed, phases as planned."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.doubt import Doubt
from leakdrill.judging.evidence.record_lines import line_doubts
from leakdrill.record.event import PHASES
from leakdrill.record.events import LeakSwitchOff, LeakSwitchOn, RunPhase, StepAct
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.record.history import Act, History
    from leakdrill.scenario.leaks import Leak
    from leakdrill.scenario.scenario import Scenario

_BETWEEN_S: Final = 2.0
"""The longest time between two phases."""
_SHORTER: Final = 0.95
"""A share of the planned length: a phase that was shorter was cut."""


def order_doubts(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """What in the order of the record cannot be that of a drill that was carried out as planned."""
    yield from line_doubts(history, {leak.name: leak.resource for leak in scenario.leaks})
    yield from _phases(history, scenario)
    yield from _steps(history, scenario)
    for leak in scenario.leaks:
        yield from _switched(history, leak)


def _phases(history: History, scenario: Scenario) -> Iterator[Doubt]:
    acts = history.acts(RunPhase)
    names = [act.begin.phase for act in acts]
    if names != list(PHASES):
        wanted = ", ".join(PHASES)
        text = f"the phases of the record are {', '.join(names) or 'none'}; expected {wanted}"
        yield Doubt(text, tuple(act.begin.index for act in acts))
    for before, after in pairwise(acts):
        if before.end is not None and not 0 <= after.begin.t - before.end.t <= _BETWEEN_S:
            text = f"the phase `{after.begin.phase}` does not follow the end of `{before.begin.phase}`"
            yield Doubt(text, (before.end.index, after.begin.index))
    for act in acts:
        yield from _length(act, scenario)


def _length(act: Act[RunPhase], scenario: Scenario) -> Iterator[Doubt]:
    planned: float = getattr(scenario.phases, act.begin.phase, 0.0)
    may_end_early = act.begin.phase == "mitigate" or (act.begin.phase == "load" and scenario.alerts.expect)
    if act.end is None or may_end_early or act.end.t - act.begin.t >= _SHORTER * planned:
        return
    took = show_duration(act.end.t - act.begin.t)
    text = f"the phase `{act.begin.phase}` lasted {took}; the scenario asks for {show_duration(planned)}"
    yield Doubt(text, (act.begin.index, act.end.index))


def _steps(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Steps that the scenario does not name, or names otherwise, and those outside `mitigate`."""
    acts, planned = history.acts(StepAct), {step.name: step.action_name for step in scenario.steps}
    order = [name for name in planned if name in {act.name for act in acts}]
    if [act.name for act in acts] != order:
        told = ", ".join(act.name for act in acts)
        text = f"the steps of the record, {told}, are not those of the scenario in its order"
        yield Doubt(text, tuple(act.begin.index for act in acts))
    for act in acts:
        if planned.get(act.name, act.begin.action) != act.begin.action:
            text = f"{act.name} was carried out as `{act.begin.action}`; the scenario says `{planned[act.name]}`"
            yield Doubt(text, (act.begin.index,))
        if _phase_at(history, act.begin.t) != "mitigate":
            yield Doubt(f"{act.name} was not begun in the phase `mitigate`", (act.begin.index,))


def _phase_at(history: History, t: float) -> str:
    """The phase in which `t` lies; of two that touch there the later; empty where it lies in none."""
    spans = {name: span for name in PHASES if (span := history.phase(name)) is not None}
    return next((name for name, span in reversed(spans.items()) if span[0] <= t <= span[1]), "")


_STOPS: Final = {"first_step": "mitigate", "recover": "recover"}


def _switched(history: History, leak: Leak) -> Iterator[Doubt]:
    """The switching of a leak at another time than its `stops` says."""
    on = [act for act in history.acts(LeakSwitchOn) if act.begin.leak == leak.name]
    off = [act for act in history.acts(LeakSwitchOff) if act.begin.leak == leak.name]
    early = [act.begin for act in on if _phase_at(history, act.begin.t) in ("", "setup", "warmup", "baseline")]
    planned = _STOPS.get(leak.stops)
    wrong = [act.begin for act in off if _phase_at(history, act.begin.t) != planned]
    for begin in (*early, *wrong):
        phase = _phase_at(history, begin.t)
        text = f"{leak.name} was switched in the phase `{phase}`; the scenario says that it stops at {leak.stops}"
        yield Doubt(text, (begin.index,), frozenset({leak.resource}))
    if on and planned == "recover" and not off and history.phase("recover") is not None:
        yield Doubt(f"{leak.name} was never switched off", (), frozenset({leak.resource}))
