"""Whether the lines of any record are whole: numbered, in order, each known, in its phase, and their acts closed."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.doubt import ALERTS, REQUESTS, TARGET, Doubt
from leakdrill.judging.evidence.sealed_record import is_sealed
from leakdrill.record.events import EVENTS, RecordCovers, RecordEnd, RunBroken, RunPhase, StepAct
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leakdrill.record.event import Event
    from leakdrill.record.history import History

_AHEAD_S: Final = 2.0
"""How far the clock of another source may be ahead of ours."""
_TEARDOWN: Final = "teardown"
_BEGINS_WITHIN_S: Final = 60.0
BESIDE_S: Final = 0.5
"""Threads write while the phase changes."""
_OF_SOURCE: Final = {"target": TARGET, "prometheus": ALERTS, "alertmanager": ALERTS, "load": REQUESTS}
"""What an act of each source is about, where it failed."""
_KNOWN: Final = {(event.source, event.event_name, event.is_act) for event in EVENTS}


def line_doubts(
    history: History, of_leak: Mapping[str, str] = MappingProxyType({}), *, beside_s: float = BESIDE_S
) -> Iterator[Doubt]:
    """What in the lines of a record cannot be that of a run that was carried out.

    Args:
        history: the record.
        of_leak: the resource of each leak, by its name.
        beside_s: how far a line may lie beside the phase that it names.
    """
    yield from _numbering(history)
    yield from _times(history)
    yield from _twice(history)
    yield from _acts(history, of_leak)
    yield from _phase_of_lines(history, beside_s)
    yield from _unknown_events(history)
    yield from _cut_short(history)


def _cut_short(history: History) -> Iterator[Doubt]:
    """The end that a run came to before its time: a part that died, or an error in the middle of a phase."""
    broken = history.of(RunBroken)
    for event in broken:
        text = f"the run was cut short: {event.message or 'the record does not say why'}"
        yield Doubt(text, (event.index,), cut_short=True)
    played = [act for act in history.acts(RunPhase) if act.begin.phase != _TEARDOWN]
    for act in played[-1:] if not broken else ():
        if act.end is not None and act.end.kind == "failed":
            text = f"the run was cut short: the phase `{act.begin.phase}` ended as `failed`: {act.reason}"
            yield Doubt(text, (act.begin.index,), cut_short=True)


def _numbering(history: History) -> Iterator[Doubt]:
    first = history.events[0].index if history.events else 0  # those of the seal may stand before
    for place, event in enumerate(history.events):
        if event.index != first + place:
            text = f"line {place + 1} of the record bears the number {event.index}: lines are missing or moved"
            yield Doubt(text, (event.index,))
            return


def _times(history: History) -> Iterator[Doubt]:
    for before, event in pairwise(history.events):
        if event.t < before.t:
            text = f"time runs backwards in the record, from {before.t:g} s to {event.t:g} s"
            yield Doubt(text, (before.index, event.index))
            break
    first = next((event for event in history.events if not RecordCovers.matches(event)), None)
    if first is not None and first.t > _BEGINS_WITHIN_S:
        yield Doubt(f"the record begins at {show_duration(first.t)}", (first.index,))
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


def _acts(history: History, of_leak: Mapping[str, str]) -> Iterator[Doubt]:
    """Acts that were begun or ended twice, not ended, or ended otherwise than they had to."""
    lines: dict[str, list[Event]] = {}
    for event in history.events:
        if event.kind != "sample":
            lines.setdefault(event.labels.get("act", ""), []).append(event)
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


def _phase_of_lines(history: History, beside_s: float) -> Iterator[Doubt]:
    """Lines that name a phase in which they do not lie."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for act in history.acts(RunPhase):
        spans.setdefault(act.begin.phase, []).append((act.begin.t, history.end_s if act.end is None else act.end.t))
    for event in history.events:
        if RecordCovers.matches(event) or RecordEnd.matches(event):
            continue  # they come before the first phase and after the last
        inside = (start - beside_s <= event.t <= end + beside_s for start, end in spans.get(event.phase, ()))
        if not any(inside):
            text = f"{event.source} {event.name} at {show_duration(event.t)} does not lie in its phase `{event.phase}`"
            yield Doubt(text, (event.index,))
            return


def _unknown_events(history: History) -> Iterator[Doubt]:
    """A line that no part of this Leakdrill writes; those of earlier versions may have had others."""
    for event in history.events if is_sealed(history) else ():
        act = event.kind != "sample"
        if not {(event.source, event.name, act), (event.source, "", act)} & _KNOWN:
            yield Doubt(
                f"nothing writes the line {event.source} {event.name} of {show_duration(event.t)}", (event.index,)
            )
            return
