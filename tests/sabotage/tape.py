"""A good record, taken apart: the verbs with which a sabotage spoils it."""

from __future__ import annotations

import lzma
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from leakdrill.judging.drill import judge
from leakdrill.judging.leak.gate import judge_gate
from leakdrill.judging.watch.judge import judge_watch
from leakdrill.judging.watch.plan import WatchPlan
from leakdrill.record.event import Event, read_event
from leakdrill.record.history import History
from leakdrill.scenario.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.verdict import Verdict

    Pick = Callable[[Event], bool]

RECORDS = Path(__file__).with_name("records")
MIB = 1024**2
MACHINE = {"memory_bytes": 16 * 1024**3, "cpus": 2}
"""On which the good records were made, as far as it counts."""
_MEMORY = {
    ("cgroup", "resources"): ("usage_bytes", "working_set_bytes", "anon_bytes"),
    ("process", "tree"): ("rss_bytes",),
    ("process", "smaps"): ("pss_bytes", "uss_bytes", "anon_bytes"),
    ("service", "metrics"): ("process_resident_memory_bytes",),
}


@dataclass(frozen=True)
class Span:
    """From when to when, in seconds."""

    start: float
    end: float

    def of(self, t: float) -> bool:
        return self.start <= t <= self.end


ALWAYS = Span(0, 1e9)


@cache
def _stored(name: str) -> tuple[dict[str, Any], tuple[Event, ...]]:
    first, *lines = lzma.decompress((RECORDS / f"{name}.jsonl.xz").read_bytes()).splitlines()
    return orjson.loads(first), tuple(read_event(line, name) for line in lines)


class Tape:
    """The events of a stored run, to be spoilt; `history()` numbers them anew in order of time.

    The first line of a drill is its scenario; that of a gate or of a watched run says its `kind`.
    """

    def __init__(self, name: str) -> None:
        plan, events = _stored(name)
        self.machine: dict[str, Any] = plan.get("machine", MACHINE)
        kind = plan.get("kind")
        self.is_gate = kind == "gate"
        self.watch = WatchPlan.model_validate(plan["watch"]) if kind == "watch" else None
        self.scenario = None if self.watch else Scenario.model_validate(plan["scenario"] if self.is_gate else plan)
        self.events = list(events)
        self.numbered = True
        good = History(events)
        spans = {phase: good.phase(phase) for phase in ("setup", "baseline", "load", "mitigate", "recover", "teardown")}
        self.phases = {phase: Span(*span) for phase, span in spans.items() if span}
        ends = [e.t for e in events if e.source == "step" and e.kind == "ok"]
        last = self.phases.get("recover", Span(0, good.end_s))
        self.cured = Span(max(ends, default=last.start), last.end)
        self.tail = Span(self.cured.end - 8, self.cured.end)

    def history(self) -> History:
        """The spoilt record."""
        ordered = sorted(self.events, key=lambda event: event.t) if self.numbered else self.events
        return History([replace(e, index=i) for i, e in enumerate(ordered)] if self.numbered else ordered)

    def verdicts(self) -> list[Verdict]:
        """What the spoilt record gets."""
        if self.watch is not None:
            return judge_watch(self.history(), self.watch)
        assert self.scenario is not None
        if self.is_gate:
            return judge_gate(self.history(), self.scenario, None, self.machine)
        return judge(self.history(), self.scenario, self.machine)

    def drop(self, pick: Pick) -> Tape:
        """Lose the lines that `pick` names."""
        self.events = [e for e in self.events if not pick(e)]
        return self

    def change(self, pick: Pick, new: Callable[[Event], Event]) -> Tape:
        """Give other lines for those that `pick` names."""
        self.events = [new(e) if pick(e) else e for e in self.events]
        return self

    def numbers(self, pick: Pick, key: str, new: Callable[[float], float | None]) -> Tape:
        """Give the number `key` of the lines another value; None leaves it out."""

        def changed(event: Event) -> Event:
            if not isinstance(event.value, dict) or key not in event.value:
                return event
            values, number = dict(event.value), new(event.value[key])
            values.pop(key)
            return replace(event, value=values if number is None else {**values, key: number})

        return self.change(pick, changed)

    def labels(self, pick: Pick, **labels: str) -> Tape:
        """Give the lines other labels."""
        return self.change(pick, lambda e: replace(e, labels={**e.labels, **labels}))

    def move(self, pick: Pick, seconds: float) -> Tape:
        """Let the lines be written so much later, or earlier."""
        return self.change(pick, lambda e: moved(e, seconds))

    def add(self, *events: Event) -> Tape:
        """Write more lines."""
        self.events += events
        return self

    def twice(self, pick: Pick) -> Tape:
        """Write the lines twice."""
        return self.add(*(e for e in self.events if pick(e)))

    def memory(self, new: Callable[[float, float], float], span: Span = ALWAYS) -> Tape:
        """Let every meter of memory read what `new` makes of a time and of what it read."""

        def changed(event: Event) -> Event:
            fields = _MEMORY.get((event.source, event.name), ())
            if not fields or not isinstance(event.value, dict) or not span.of(event.t):
                return event
            told = {name: new(event.t, event.value[name]) for name in fields if name in event.value}
            return replace(event, value={**event.value, **told})

        return self.change(lambda _: True, changed)

    def level(self, span: Span, source: str = "cgroup", key: str = "anon_bytes") -> float:
        """What a meter read first in `span`."""
        return next(
            float(e.value[key])
            for e in self.events
            if e.source == source and span.of(e.t) and isinstance(e.value, dict) and key in e.value
        )

    def first(self, pick: Pick) -> Event:
        """The first line that `pick` names."""
        return next(e for e in self.events if pick(e))


def moved(event: Event, seconds: float) -> Event:
    """`event` at another time, by every clock."""
    return replace(event, t=max(0.0, event.t + seconds), at=None if event.at is None else event.at + seconds)


def of(source: str, name: str = "", span: Span = ALWAYS, *, value: Any = None, kind: str = "") -> Pick:
    """Names the lines of a source, and further as they are given."""

    def picks(event: Event) -> bool:
        same = event.source == source and name in ("", event.name) and kind in ("", event.kind)
        return same and span.of(event.t) and value in (None, event.value)

    return picks
