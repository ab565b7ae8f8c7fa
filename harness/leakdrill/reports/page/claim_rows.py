"""The claims of a page: worst first, each with its numbers, its place on the timeline, and the events behind it."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.record.verdict import Outcome
from leakdrill.reports.number import show_number
from leakdrill.units import show_duration, show_share, show_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leakdrill.record.event import Event
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Number, Verdict

_LONGEST: Final = 300
"""Characters of an event's value that are shown."""
_SHOWN_EVENTS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One line of the record, in short."""

    index: int
    t: float
    what: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRow:
    """One claim.

    Attributes:
        anchor: the id by which a link names it; the same in every run of one scenario.
        outcome: PASS, FAIL or UNKNOWN.
        check: the claim's name.
        subject: what it is about; may be empty.
        message: what was seen.
        next: what to do next; empty for a PASS.
        numbers: the figures behind it, by name.
        events: the events that it rests on, of many the first.
        more_events: how many more there are.
        span: from the first to the last of its events; None without one.
    """

    anchor: str
    outcome: Outcome
    check: str
    subject: str
    message: str
    next: str
    numbers: tuple[tuple[str, str], ...]
    events: tuple[EventRow, ...]
    more_events: int
    span: tuple[float, float] | None


def claim_rows(verdicts: Sequence[Verdict], history: History) -> tuple[ClaimRow, ...]:
    """The claims, worst first; among equals in their own order."""
    ordered = sorted(verdicts, key=lambda verdict: -verdict.outcome.severity)
    return tuple(_row(verdict, history) for verdict in ordered)


def anchor(check: str, subject: str) -> str:
    """The id of a claim in its page."""
    words = re.sub(r"[^a-z0-9]+", "-", check.lower()).strip("-")
    return f"claim-{words}" + (
        f"-{hashlib.sha256(subject.encode('utf-8', 'backslashreplace')).hexdigest()[:6]}" if subject else ""
    )


def _row(verdict: Verdict, history: History) -> ClaimRow:
    found = [history.events[index] for index in dict.fromkeys(verdict.events) if 0 <= index < len(history)]
    times = [event.when for event in found]
    return ClaimRow(
        anchor=anchor(verdict.check, verdict.subject),
        outcome=verdict.outcome,
        check=verdict.check,
        subject=verdict.subject,
        message=verdict.message,
        next="" if verdict.outcome is Outcome.PASS else verdict.hint or _ADVICE[verdict.outcome],
        numbers=tuple((_words(name), _shown(name, value)) for name, value in verdict.numbers.items()),
        events=tuple(event_row(event) for event in found[:_SHOWN_EVENTS]),
        more_events=max(0, len(found) - _SHOWN_EVENTS),
        span=(min(times), max(times)) if times else None,
    )


_ADVICE: Final = {
    Outcome.FAIL: "look at the timeline where this claim's events are",
    Outcome.UNKNOWN: "see the claims above it: one of them says what was not measured",
}


def event_row(event: Event) -> EventRow:
    """A line of the record as a person reads it."""
    what = " ".join(part for part in (event.source, event.name.replace("_", " ")) if part)
    kind = "" if event.kind == "sample" else f" ({event.kind})"
    return EventRow(index=event.index, t=event.when, what=f"{what}{kind}", value=_value(event))


def _value(event: Event) -> str:
    value: Iterable[str]
    if isinstance(event.value, dict):
        value = (f"{name} {number:g}" for name, number in event.value.items())
    else:
        value = () if event.value is None else (show_number(event.value),)
    labels = (f"{key}={json.dumps(text, ensure_ascii=False)}" for key, text in event.labels.items() if key != "act")
    text = ", ".join([*value, *labels])
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def _words(name: str) -> str:
    return name.replace("_", " ").strip()


def _shown(name: str, value: Number) -> str:
    """A figure in the unit that its name ends in."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return {"True": "yes", "False": "no", "None": "not known"}.get(str(value), str(value))
    if not math.isfinite(value):
        return str(value)
    if name.endswith("_s") and not name.endswith("per_s"):
        return show_duration(value)
    if re.search(r"bytes(_per_\w+)?$", name):
        return f"{show_size(value)} {_words(name.rpartition('bytes')[2])}".rstrip()
    if name.endswith(("_share", "_rate", "_rate_wanted")):
        return show_share(value)
    return show_number(float(value))
