"""Whether the lines of a record are those of one whole drill: numbered, in order, acts closed, phases as planned."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.doubt import ALERTS, REQUESTS, TARGET, Doubt
from leakdrill.record.event import PHASES
from leakdrill.record.events import LeakSwitchOff, LeakSwitchOn, RecordCovers, RecordEnd, RunBroken, RunPhase, StepAct
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.record.event import Event
    from leakdrill.record.history import Act, History
    from leakdrill.scenario.leaks import Leak
    from leakdrill.scenario.scenario import Scenario

_AHEAD_S: Final = 2.0
"""How far the clock of another source may be ahead of ours."""
_BESIDE_S: Final = 0.5
"""How far a line may lie beside the phase that it names: threads write while the phase changes."""
_BETWEEN_S: Final = 2.0
"""The longest time between two phases."""
_SHORTER: Final = 0.95
"""A share of the planned length: a phase that was shorter was cut."""


_OF_SOURCE: Final = {"target": TARGET, "prometheus": ALERTS, "alertmanager": ALERTS, "load": REQUESTS}
"""What an act of each source is about, where it failed."""


def order_doubts(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """What in the order of the record cannot be that of a drill that was carried out as planned."""
    yield from _numbering(history)
    yield from _times(history)
    yield from _twice(history)
    yield from _acts(history, scenario)
    yield from _phases(history, scenario)
    yield from _phase_of_lines(history)
    yield from _steps(history, scenario)
    for leak in scenario.leaks:
        yield from _switched(history, leak)
    for broken in history.of(RunBroken):
        yield Doubt(f"the drill was cut short: {broken.message or 'the record does not say why'}", (broken.index,))


def _numbering(history: History) -> Iterator[Doubt]:
    first = history.events[0].index if history.events else 0  # those of the seal may stand before
    for place, event in enumerate(history.events):
        if event.index != first + place:
            yield Doubt(f"line {place + 1} of the record bears the number {event.index}: lines are missing or moved")
            return


def _times(history: History) -> Iterator[Doubt]:
    for before, event in pairwise(history.events):
        if event.t < before.t:
            text = f"time runs backwards in the record, from {before.t:g} s to {event.t:g} s"
            yield Doubt(text, (before.index, event.index))
            break
    for event in history.events:
        if not _possible_times(event):
            at = "" if event.at is None else f", at {event.at:g} s by the clock of {event.source}"
            yield Doubt(f"{event.source} {event.name} cannot have been written at {event.t:g} s{at}", (event.index,))
            return


def _twice(history: History) -> Iterator[Doubt]:
    """Lines that were written twice: nothing happens twice within a tenth of a millisecond."""
    for before, event in pairwise(history.events):
        if replace(before, index=event.index) == event:
            yield Doubt(f"line {event.index + 1} of the record repeats the one before", (before.index, event.index))
            return


def _possible_times(event: Event) -> bool:
    own = math.isfinite(event.t) and event.t >= 0
    return own and (event.at is None or (math.isfinite(event.at) and event.at <= event.t + _AHEAD_S))


def _acts(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Acts that were begun or ended twice, not ended, or ended otherwise than they had to."""
    lines: dict[str, list[Event]] = {}
    for event in history.events:
        if event.kind != "sample":
            lines.setdefault(event.labels.get("act", ""), []).append(event)
    of_leak = {leak.name: leak.resource for leak in scenario.leaks}
    for act in lines.values():
        text = _act_problem(act)
        if text:
            first, failed = act[0], {event.kind for event in act} & {"failed", "unknown"}
            about = (
                of_leak.get(first.labels.get("leak", "")) or first.labels.get("phase") or _OF_SOURCE.get(first.source)
            )
            yield Doubt(text, tuple(event.index for event in act[:3]), frozenset({about} if about and failed else ()))


def _act_problem(lines: list[Event]) -> str:
    first, last = lines[0], lines[-1]
    called = f"{first.source} {first.labels.get('phase') or first.labels.get('leak') or first.name}"
    if [event.kind == "begin" for event in lines] not in ([True, False], [True]):
        return f"the record does not tell one beginning and one end of {called}"
    if (first.source, first.name) != (last.source, last.name):
        return f"{called} ends as {last.source} {last.name}"
    if last.kind == "begin":
        return f"{called} was begun and never ended"
    if last.kind == "ok" or first.source == StepAct.source:
        return ""
    reason = last.value if isinstance(last.value, str) else last.labels.get("error")
    return f"{called} ended as `{last.kind}`: {reason or 'the record does not say why'}"


def _phases(history: History, scenario: Scenario) -> Iterator[Doubt]:
    acts = history.acts(RunPhase)
    names = [act.begin.phase for act in acts]
    if names != list(PHASES):
        wanted = ", ".join(PHASES)
        yield Doubt(f"the phases of the record are {', '.join(names) or 'none'}; expected {wanted}")
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


def _phase_of_lines(history: History) -> Iterator[Doubt]:
    """Lines that name a phase in which they do not lie."""
    bounds = {name: span for name in PHASES if (span := history.phase(name)) is not None}
    for event in history.events:
        span = bounds.get(event.phase)
        if RecordCovers.matches(event) or RecordEnd.matches(event):
            continue  # they come before the first phase and after the last
        if span is None or not span[0] - _BESIDE_S <= event.t <= span[1] + _BESIDE_S:
            text = f"{event.source} {event.name} at {show_duration(event.t)} does not lie in its phase `{event.phase}`"
            yield Doubt(text, (event.index,))
            return


def _steps(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Steps that the scenario does not name, or names otherwise, and those outside `mitigate`."""
    acts, planned = history.acts(StepAct), {step.name: step.action_name for step in scenario.steps}
    order = [name for name in planned if name in {act.name for act in acts}]
    if [act.name for act in acts] != order:
        told = ", ".join(act.name for act in acts)
        yield Doubt(f"the steps of the record, {told}, are not those of the scenario in its order")
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
