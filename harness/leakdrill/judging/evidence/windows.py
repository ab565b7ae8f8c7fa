"""The spans of a record that several checks look at.

Everything here uses the drill's clock. Where a source has a clock of its own (Prometheus), `Event.when` is used, and
events are put in that order: the record's order is the order of writing.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from leakdrill.record.events import (
    LeakSwitchOff,
    LeakSwitchOn,
    StepAct,
    TargetExited,
    TargetReady,
    TargetRestart,
    TargetStart,
    TargetStop,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leakdrill.record.history import Act, History
    from leakdrill.scenario.leaks import Leak
    from leakdrill.scenario.scenario import Scenario

AFTER_RESTART_S: Final = 1.5
"""The time after a restart in which its meters may still be finding the new process."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the record, in seconds since its start."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """The length to the nanosecond, so that a span of 12 s is never a hair shorter; never negative."""
        return round(max(0.0, self.end_s - self.start_s), 9)

    def overlaps(self, other: Span) -> bool:
        """Whether the two have more than a point in common."""
        return self.start_s < other.end_s and other.start_s < self.end_s


@dataclass(frozen=True, slots=True)
class StepRun:
    """One step as it was carried out, from its beginning to its end."""

    act: Act[StepAct]
    start_s: float
    end_s: float

    @property
    def span(self) -> Span:
        """The span from the step's beginning to its end."""
        return Span(self.start_s, self.end_s)


def watched_until_s(history: History) -> float:
    """The end of what was watched: of `recover`, or of whatever came last before `teardown`."""
    recover = history.phase("recover")
    if recover is not None:
        return recover[1]
    teardown = history.phase("teardown")
    return history.end_s if teardown is None else teardown[0]


def reached_recover(history: History) -> bool:
    """Whether the drill came as far as `recover`; without it nothing is known about recovery."""
    return history.phase("recover") is not None


def step_runs(history: History) -> list[StepRun]:
    """Every step that was begun, in order."""
    return [_step_run(history, act) for act in history.acts(StepAct)]


def _step_run(history: History, act: Act[StepAct]) -> StepRun:
    end_s = history.end_s if act.end is None else act.end.t
    return StepRun(act=act, start_s=act.begin.t, end_s=end_s)


def unasked_exits(history: History) -> list[TargetExited]:
    """Every end of the target that nobody asked for."""
    return history.of(TargetExited)


def leak_span(history: History, leak: str) -> Span | None:
    """The span from the moment at which `leak` was switched on until something else may move the resource.

    That is the earliest of: switched off, the first step, a restart, an end nobody asked for, the end of the watch.
    None when it was never switched on.
    """
    on = [act for act in history.acts(LeakSwitchOn) if act.begin.leak == leak and act.succeeded]
    if not on:
        return None
    start_s = on[0].begin.t
    off = [a.begin.t for a in history.acts(LeakSwitchOff) if a.begin.leak == leak]
    return Span(start_s, _first_after(start_s, [*off, *_disturbances(history)], watched_until_s(history)))


def _disturbances(history: History) -> list[float]:
    steps = [run.start_s for run in step_runs(history)]
    restarts = [act.begin.t for act in history.acts(TargetRestart)]
    return [*steps, *restarts, *(e.when for e in unasked_exits(history))]


def _first_after(start_s: float, times: Iterable[float], otherwise_s: float) -> float:
    return min((t for t in times if t >= start_s), default=otherwise_s)


def leaks_began_s(history: History, leaks: Sequence[Leak]) -> float | None:
    """The moment at which the first of `leaks` was switched on; None when none was."""
    spans = [leak_span(history, leak.name) for leak in leaks]
    return min((span.start_s for span in spans if span is not None), default=None)


def alerts_watched_from_s(history: History, scenario: Scenario) -> float | None:
    """The moment from which an alert counts: the leak's beginning, else the baseline's. None when neither came."""
    if scenario.leaks:
        return leaks_began_s(history, scenario.leaks)
    baseline = history.phase("baseline")
    return None if baseline is None else baseline[0]


def switched_off_s(history: History, leaks: Iterable[str], after_s: float) -> float | None:
    """The moment at which the first of `leaks` was switched off after `after_s`; None when none was."""
    names = set(leaks)
    off = [act.begin.t for act in history.acts(LeakSwitchOff) if act.begin.leak in names]
    return min((t for t in off if t >= after_s), default=None)


def last_step_end_s(history: History) -> float | None:
    """The end of the last step; None when none ended."""
    return max((run.end_s for run in step_runs(history) if run.act.end is not None), default=None)


def down_spans(history: History) -> list[Span]:
    """The spans in which the target was down for a cause that another verdict names: restarts, stops, unasked ends."""
    restarts = [
        Span(act.begin.t, (history.end_s if act.end is None else act.end.t) + AFTER_RESTART_S)
        for event_class in (TargetRestart, TargetStart)
        for act in history.acts(event_class)
    ]
    ready = [e.t for e in history.of(TargetReady)]
    exits = [Span(e.when, _first_after(e.when, ready, history.end_s) + AFTER_RESTART_S) for e in unasked_exits(history)]
    stops = [
        Span(act.begin.t, _first_after(act.begin.t, ready, history.end_s) + AFTER_RESTART_S)
        for act in history.acts(TargetStop)
    ]
    return [*restarts, *exits, *stops]


def gaps(times: Iterable[float], span: Span, *, longest_s: float) -> list[Span]:
    """The parts of `span` without any of `times` that are longer than `longest_s`."""
    inside = sorted(t for t in times if span.start_s < t < span.end_s)
    edges = [span.start_s, *inside, span.end_s]
    return [Span(a, b) for a, b in pairwise(edges) if b - a > longest_s]


def outside(gap: Span, down: list[Span]) -> list[Span]:
    """The rest of `gap` outside the spans in `down`."""
    left = [gap]
    for cut in down:
        left = [
            part
            for span in left
            for part in (
                Span(span.start_s, min(span.end_s, cut.start_s)),
                Span(max(span.start_s, cut.end_s), span.end_s),
            )
            if part.length_s > 0
        ]
    return left
