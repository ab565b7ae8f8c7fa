"""Every meter of memory multiplied by one factor, from one moment on or between two, in the units that kernels tell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sabotage import add
from steps import RETURNS, STAYS
from tape import Span, Tape

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.event import Event

METERS = ("cgroup", "process", "pod", "replica", "gate")
FACTORS = (0.5, 0.25, 1 / 1024, 0.9, 0.8)
_KIB_ONLY = ("smaps",)
_SELF = "process_resident_memory_bytes"
_NOT_HELD = ("limit_bytes", "virtual_bytes")


def scaled(tape: Tape, span: Span, factor: float, *, virtual: bool = False) -> Tape:
    """`tape` with every size of memory in `span` multiplied, to whole pages or KiB."""

    def changed(event: Event) -> Event:
        if not isinstance(event.value, dict) or not span.of(event.t):
            return event
        unit = 1024 if event.name in _KIB_ONLY else 4096
        if event.source in METERS and event.kind == "sample":
            left = _NOT_HELD[: 1 if virtual else 2]
            sizes = [key for key in event.value if key.endswith("_bytes") and key not in left]
        else:
            sizes = [_SELF] if event.source == "service" and _SELF in event.value else []
        told = {key: round(event.value[key] * factor / unit) * unit for key in sizes}
        return replace(event, value={**event.value, **told})

    return tape.change(lambda _: True, changed)


def _from(moment: Callable[[Tape], Span], factor: float) -> Callable[[Tape], Tape]:
    return lambda tape: scaled(tape, moment(tape), factor)


def _after_the_step(tape: Tape) -> Span:
    return Span(tape.cured.start, 1e9)


def _in_recover(tape: Tape) -> Span:
    return Span(tape.phases["recover"].start + 3, 1e9)


def _for_a_while(tape: Tape) -> Span:
    start = tape.phases["recover"].start
    return Span(start + 3, start + 8)


def _before_the_load(tape: Tape) -> Span:
    return Span(0, tape.phases["load"].start)


def _under_load(tape: Tape) -> Span:
    return Span(tape.phases["load"].start, 1e9)


for factor in FACTORS:
    kind = f"memory scaled by {factor:.3g}"
    for base in ("sealed", "cache"):
        for where, moment in (("after the step", _after_the_step), ("in recover", _in_recover)):
            add(kind, f"{base} {where}", base, _from(moment, factor), RETURNS, "UNKNOWN", "")
    add(kind, "for a while", "sealed", _from(_for_a_while, factor), RETURNS, "UNKNOWN", "")
    add(kind, "the twin under load", "twin", _from(_under_load, factor), STAYS, "UNKNOWN", "")

for factor in (1.5, 2.0):
    kind = "a baseline that is inflated"
    add(kind, f"all of it by {factor:g}", "sealed", _from(_before_the_load, factor), RETURNS, "UNKNOWN", "")
