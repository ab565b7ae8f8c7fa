"""Whether a runbook relieves what its alert is for, and leaves nothing changed behind."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.checks.steps import step_works
from leakdrill.judging.evidence.alert_states import unanswered
from leakdrill.judging.evidence.check import Case, Check
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.evidence.effects import watched_after
from leakdrill.judging.evidence.rehearsed import Rehearsed, alert_span, change_runs, over_s, skipped_steps
from leakdrill.judging.evidence.resource_series import resource_series
from leakdrill.judging.evidence.windows import Span, unasked_exits
from leakdrill.record.verdict import Outcome
from leakdrill.resources import RESOURCES
from leakdrill.scenario.seen import Seen
from leakdrill.units import show_count, show_duration, show_share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.judging.evidence.rehearsed import AlertSpan
    from leakdrill.judging.evidence.windows import StepRun
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.quantities import ResourceName
    from leakdrill.scenario.rehearsal import RehearsedStep

UNCHANGED: Final = "cleared_unchanged_after_s"
"""The number of a verdict on an alert that cleared before anything was changed."""
LEAST_RELIEF: Final = 0.5
"""The share of the growth that must be gone when the runbook is over."""
_BEFORE_S: Final = 0.5
_RELIEF: Final = Claim("runbook_relieves")
_CHANGED: Final = Claim("runbook_leaves_nothing_changed")
_NO_RECORD: Final = "see the verdict measurements_are_complete"
_NO_CURE: Final = "no step of it treats what grows"


def runbook_relieves(history: History, *, plan: Rehearsed) -> Verdict:
    """Whether the alert cleared by what the runbook changed, and the resource came back down.

    FAIL when the service ended in between. UNKNOWN when the alert did not fire, when it cleared before anything was
    changed, when Prometheus was silent, or when the drill ended early.
    """
    alert, until_s = plan.rehearsal.alert, over_s(history)
    if until_s is None:
        return _RELIEF.unknown("the drill ended before the runbook was over", hint=_NO_RECORD)
    span = alert_span(history, plan, until_s)
    if span is None:
        return _RELIEF.unknown(
            f"{alert} did not fire, so there was nothing to relieve, and nothing was carried out",
            hint="see alert_fires_in_time",
        )
    ended = [e for e in unasked_exits(history) if span.fired.when <= e.when <= until_s]
    if ended:
        after_s = ended[0].when - span.fired.when
        changes = change_runs(history, plan.rehearsal)
        return _RELIEF.fails(
            f"the target ended {show_duration(after_s)} after {alert} fired, and nobody had asked; "
            f"{_why_not(history, plan, changes)}",
            numbers={"ended_after_s": after_s},
            events=[ended[0].index, *span.events],
            hint="see target_keeps_running; an alert that goes with its service is not relieved",
        )
    silences = unanswered(history, plan.scenario.alerts, Span(span.fired.when, until_s))
    if silences:
        return _RELIEF.unknown(
            f"whether {alert} cleared cannot be told: {silences[0]}", events=span.events, hint=_NO_RECORD
        )
    return _judged(history, plan, span, change_runs(history, plan.rehearsal))


def _judged(
    history: History, plan: Rehearsed, span: AlertSpan, changes: list[tuple[RehearsedStep, StepRun]]
) -> Verdict:
    alert, cleared_s = plan.rehearsal.alert, span.cleared_s
    if cleared_s is None:
        firing_s = span.until_s - span.fired.when
        return _RELIEF.fails(
            f"{alert} was still firing {show_duration(firing_s)} after it fired, when the runbook was over; "
            f"{_why_not(history, plan, changes)}",
            numbers={"firing_s": firing_s},
            events=span.events,
            hint=_NO_CURE,
        )
    before = [(step, run) for step, run in changes if run.start_s < cleared_s]
    if not before:
        return _RELIEF.unknown(
            f"{alert} cleared before anything was changed: something else cleared it",
            numbers={UNCHANGED: cleared_s - span.fired.when},
            events=span.events,
            hint="the leak must go on until the runbook is over",
        )
    took_s = cleared_s - span.fired.when
    message = f"{alert} cleared {show_duration(took_s)} after it fired, after {before[-1][0].name}"
    return _resource(history, plan, span, before, message, took_s)


def _resource(
    history: History,
    plan: Rehearsed,
    span: AlertSpan,
    changes: list[tuple[RehearsedStep, StepRun]],
    message: str,
    took_s: float,
) -> Verdict:
    """The verdict where the alert cleared: by the resource that grew, unless no change was to bring it down."""
    numbers: dict[str, float] = {"relieved_after_s": took_s}
    falling = [
        step for step in plan.changes(history).steps if step.seen is None or step.seen.effect.startswith("falls")
    ]
    names = {step.name for step, _ in changes}
    if not any(step.name in names for step in falling):
        return _RELIEF.holds(f"{message}; no change was to bring a resource down", numbers=numbers, events=span.events)
    metric = plan.scenario.metric_of(falling[0])
    until_s = _effective_s(history, plan, metric, changes, span.until_s)
    share = relief_share(history, metric, changes[0][1].start_s, until_s)
    if share is None:
        return _RELIEF.unknown(
            f"{message}; how much of the growth of {metric} is gone is not known",
            numbers=numbers,
            events=span.events,
            hint=_NO_RECORD,
        )
    numbers["gone_share"] = share
    gone = f"{message}; {show_share(max(0.0, share))} of the growth of {metric} went away"
    if share >= LEAST_RELIEF:
        return _RELIEF.holds(gone, numbers=numbers, events=span.events)
    return _RELIEF.fails(
        f"{gone}, and {show_share(LEAST_RELIEF)} was wanted; {_why_not(history, plan, changes)}",
        numbers=numbers,
        events=span.events,
        hint="the alert is quiet, and what it warns of is still there",
    )


def _effective_s(
    history: History,
    plan: Rehearsed,
    metric: ResourceName,
    changes: list[tuple[RehearsedStep, StepRun]],
    until_s: float,
) -> float:
    """Until when the resource may come down: to the end of the runbook, and for as long as each change has for it."""
    scenario = plan.changes(history)
    seen = {step.name: step.seen or Seen() for step in scenario.steps}
    runs = [run for step, run in changes if seen[step.name].effect.startswith("falls")]
    return max([until_s, *(watched_after(history, scenario, metric, seen[r.act.name], r).end_s for r in runs)])


def relief_share(history: History, metric: ResourceName, from_s: float, until_s: float) -> float | None:
    """The share of the growth of `metric` that was gone at best between the two times; None where nobody can tell."""
    series, baseline = resource_series(history, metric), history.phase("baseline")
    if baseline is None:
        return None
    base = series.between(*baseline)
    before, after = series.between(from_s - _BEFORE_S, from_s), series.between(from_s, until_s)
    if not (len(base) and len(before) and len(after)):
        return None
    low = float(np.median(base.values))
    high = float(np.median(before.values))
    if high - low <= RESOURCES[metric].least_growth:
        return None
    values = after.values
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(values, min(3, len(values))), axis=1)
    return (high - float(smooth.min())) / (high - low)


def _why_not(history: History, plan: Rehearsed, changes: list[tuple[RehearsedStep, StepRun]]) -> str:
    """Which steps did nothing, and which were not carried out."""
    scenario = plan.changes(history)
    steps = {step.name: step for step in scenario.steps}
    idle = [
        step.name
        for step, _ in changes
        if step.name in steps
        and step_works(history, step=steps[step.name], scenario=scenario).outcome is not Outcome.PASS
    ]
    left_out = [
        f"line {one.line} ({one.why})" for one in plan.rehearsal.left_out if one.kind in ("change", "destructive")
    ]
    parts = [f"did nothing: {'; '.join(idle)}"] if idle else [] if changes else ["it changed nothing"]
    parts += [f"not carried out: {'; '.join(left_out)}"] if left_out else []
    return "; ".join(parts) or "every change did its work"


def runbook_leaves_nothing_changed(history: History, *, plan: Rehearsed) -> Verdict:
    """Whether every change that stays until it is taken back was taken back, unless the bindings say why it stays."""
    if over_s(history) is None:
        return _CHANGED.unknown("the drill ended before the runbook was over", hint=_NO_RECORD)
    runs = change_runs(history, plan.rehearsal)
    unsure = [step for step, run in runs if run.act.end is None or run.act.end.kind == "unknown"]
    if unsure:
        return _CHANGED.unknown(f"nobody can say how {unsure[0].name} ended", hint=_NO_RECORD)
    done = [step for step, run in runs if run.act.succeeded]
    taken_back = {step.takes_back for step in done}
    left = [step for step in done if step.undo is not None and step.name not in taken_back]
    if left:
        names = "; ".join(f"{step.name} (to take it back: {step.undo})" for step in left)
        return _CHANGED.fails(
            f"left changed when the runbook was over: {names}",
            numbers={"left_changed": len(left)},
            hint="add the step that takes it back, or say in the bindings why it stays",
        )
    stay = [step.name for step in done if step.stays]
    also = f"; meant to stay: {'; '.join(stay)}" if stay else ""
    return _CHANGED.holds(
        f"{show_count(len(done), 'change was', 'changes were')} made, and nothing is left to take back{also}"
    )


def _relief_cases(_history: History, plan: Rehearsed) -> Iterator[Case]:
    yield Case(_RELIEF, partial(runbook_relieves, _history, plan=plan))


def _changed_cases(history: History, plan: Rehearsed) -> Iterator[Case]:
    changes = [step for step in plan.rehearsal.steps if step.changes and step.name not in skipped_steps(history)]
    if changes:
        yield Case(_CHANGED, partial(runbook_leaves_nothing_changed, history, plan=plan))


RELIEVES: Final[Check[Rehearsed]] = Check(
    {"runbook_relieves": "The alert cleared by what the runbook changed, and the resource came back down."},
    _relief_cases,
)
LEAVES_NOTHING: Final[Check[Rehearsed]] = Check(
    {"runbook_leaves_nothing_changed": "Every change that stays until it is taken back was taken back."},
    _changed_cases,
)
