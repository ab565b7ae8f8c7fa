"""Changes of a record, written as data: which reading, how, by how much, from when until when.

A case of `kept_changes.jsonl` is a base, its changes, and who is to look at what comes of them.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from histories import PHASES

from leakdrill.record.events import EVENTS
from leakdrill.record.history import History

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leakdrill.record.event import Event

    Events = list[Event]

CLASSES: Final = {one.__name__: one for one in EVENTS}
HOW: Final[dict[str, Callable[[float, float, float, float], float | None]]] = {
    "add": lambda value, amount, _age, _first: value + amount,
    "times": lambda value, amount, _age, _first: value * amount,
    "is": lambda _value, amount, _age, _first: amount,
    "stays": lambda _value, _amount, _age, first: first,
    "drifts": lambda value, amount, age, _first: value + amount * age,
    "gone": lambda _value, _amount, _age, _first: None,
}
"""What a value becomes: of itself, the amount, the time since the change began, and the first value changed."""


def changed(events: Sequence[Event], changes: Sequence[Sequence[Any]], *, phased: bool) -> History:
    """The record of `events`, which are in order, after all `changes`."""
    made = list(events)
    for name, *arguments in changes:
        made = CHANGES[name](made, *arguments)
    if len(made) != len(events) or any(a is not b for a, b in zip(made, events, strict=True)):
        made = _in_order(made, phased=phased)
    return History(made)


def _in_order(events: Events, *, phased: bool) -> Events:
    ordered = sorted(events, key=lambda e: e.t)
    starts, names = [start for start, _ in PHASES.values()], list(PHASES)
    phases = [names[max(0, bisect_right(starts, e.t) - 1)] if phased else e.phase for e in ordered]
    return [
        e if e.index == i and e.phase == phase else replace(e, index=i, phase=phase)
        for i, (e, phase) in enumerate(zip(ordered, phases, strict=True))
    ]


def _is(event: Event, source: str, name: str, since: float, until: float) -> bool:
    return event.source == source and name in ("", event.name) and since <= event.t <= until


def _field(
    events: Events, source: str, name: str, key: str, how: str, amount: float, since: float, until: float
) -> Events:
    """Change a number of each reading: the one named `key`, or the only one."""
    first: list[float] = []

    def new(event: Event) -> Event:
        value = event.value.get(key) if isinstance(event.value, dict) else event.value if key == "" else None
        if not isinstance(value, float | int) or not _is(event, source, name, since, until):
            return event
        first.append(value)
        now = HOW[how](value, _number(amount), event.t - since, first[0])
        if not isinstance(event.value, dict):
            return replace(event, value=now)
        kept = {k: v for k, v in event.value.items() if k != key}
        return replace(event, value=kept if now is None else {**event.value, key: now})

    return [new(event) for event in events]


def _number(amount: float | str) -> float:
    return float(amount) if isinstance(amount, str) else amount


def _drop(events: Events, source: str, name: str, since: float, until: float, nth: int = 1) -> Events:
    """Forget each `nth` line."""
    found = [event.index for event in events if _is(event, source, name, since, until)][nth - 1 :: nth]
    gone = set(found)
    return [event for event in events if event.index not in gone or not _is(event, source, name, since, until)]


def _shift(events: Events, source: str, name: str, by: float, since: float, until: float) -> Events:
    """Move lines in time."""
    return [
        replace(e, t=max(0.0, e.t + by), at=None if e.at is None else e.at + by)
        if _is(e, source, name, since, until)
        else e
        for e in events
    ]


def _label(events: Events, source: str, name: str, key: str, value: str, since: float, until: float) -> Events:
    """Give lines a label."""
    return [replace(e, labels={**e.labels, key: value}) if _is(e, source, name, since, until) else e for e in events]


def _again(events: Events, source: str, name: str, by: float, since: float, until: float) -> Events:
    """Tell lines twice, the second time `by` seconds later."""
    return events + [replace(e, t=e.t + by) for e in events if _is(e, source, name, since, until)]


def _kind(events: Events, source: str, name: str, old: str, new: Any, value: str | None = None) -> Events:
    """Give the ends of acts another outcome."""
    return [
        replace(e, kind=new, value=value) if e.source == source and name in ("", e.name) and e.kind == old else e
        for e in events
    ]


def _sample(events: Events, of: str, t: float, fields: dict[str, Any], at: float | None = None) -> Events:
    """Add something that was read or noticed."""
    return [*events, replace(_made(CLASSES[of], fields), t=t, at=at).to_event()]


def _act(events: Events, of: str, start: float, end: float | None, outcome: Any, fields: dict[str, Any]) -> Events:
    """Add an act."""
    begin = replace(_made(CLASSES[of], fields), t=start, kind="begin", act=str(100 + len(events)))
    lines = [begin] if end is None else [begin, replace(begin, t=end, kind=outcome)]
    return events + [line.to_event() for line in lines]


def _made(of: Any, fields: dict[str, Any]) -> Any:
    values = fields.get("values")
    rest = {name: value for name, value in fields.items() if name != "values"}
    return of(**rest) if values is None else of.of(values, **rest)


def _cut(events: Events, until: float) -> Events:
    """The record ends here."""
    return [e for e in events if e.t <= until]


CHANGES: Final[dict[str, Callable[..., Events]]] = {
    "field": _field,
    "drop": _drop,
    "shift": _shift,
    "label": _label,
    "again": _again,
    "kind": _kind,
    "sample": _sample,
    "act": _act,
    "cut": _cut,
}
