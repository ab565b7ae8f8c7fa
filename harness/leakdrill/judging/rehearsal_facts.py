"""What a rehearsal shows of each command and of the whole runbook, as facts for its reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from leakdrill.judging.checks.runbook import UNCHANGED
from leakdrill.judging.evidence.growth import growth_per_second
from leakdrill.judging.evidence.rehearsed import alert_span, over_s, run_of, skipped_steps
from leakdrill.judging.evidence.resource_series import resource_series
from leakdrill.judging.evidence.windows import Span, leak_span
from leakdrill.record.events import LoadRequests
from leakdrill.record.verdict import Outcome
from leakdrill.resources import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.judging.evidence.rehearsed import Rehearsed
    from leakdrill.judging.evidence.windows import StepRun
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.rehearsal import RehearsedStep

_FELT_S: Final = 3.0
_BEFORE_S: Final = 0.5
_FELL: Final = 0.5
"""The share of the growth that must be gone before a metric has followed a change."""
_AS_BEFORE: Final = 0.5
"""The share of the growth's speed from which on what was freed comes back."""
_SETTLED_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class StepFacts:
    """One command of the runbook.

    Attributes:
        line: where it stands.
        text: as it is written.
        kind: look, change, destructive, or what else the runbook holds.
        outcome: PASS, FAIL or UNKNOWN; empty where it was not carried out.
        note: what was seen, or why it was not carried out.
        took_s: from its beginning to its end.
        exit_status: of a command; None where it is a step of ours.
        before: the resource just before it; None for a look.
        after: the lowest until the next change.
        followed_after_s: until half of the growth was gone; None where it was not.
        failed_requests: from its beginning to 3 s after its end.
    """

    line: int
    text: str
    kind: str
    outcome: str
    note: str
    took_s: float | None = None
    exit_status: int | None = None
    before: float | None = None
    after: float | None = None
    followed_after_s: float | None = None
    failed_requests: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The facts as data for machines."""
        return {key: _rounded(value) for key, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class RunbookFacts:
    """One rehearsal.

    Attributes:
        option: the option that it took; empty where there is none.
        without: the change that it left out.
        outcome: the outcome of `runbook_relieves`.
        relieved_after_s: from the alert to its clearing; None where it did not clear, or went with its service.
        failed_requests: from the first change to the end of the runbook.
        comes_back: whether the resource grows again at half its speed or more; None where nobody can tell.
        metric: the resource that grew.
        steps: its commands, in the order of the runbook.
        cleared_unchanged: whether the alert cleared before anything was changed.
    """

    option: str
    without: str
    outcome: str
    note: str
    relieved_after_s: float | None
    failed_requests: int | None
    comes_back: bool | None
    metric: str
    steps: tuple[StepFacts, ...]
    cleared_unchanged: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The facts as data for machines."""
        facts = {key: _rounded(value) for key, value in asdict(self).items() if key != "steps"}
        return {**facts, "steps": [step.as_dict() for step in self.steps]}


def rehearsal_facts(history: History, plan: Rehearsed, verdicts: Sequence[Verdict]) -> RunbookFacts:
    """The facts of a rehearsal, beside the verdicts on it."""
    relieves = next((verdict for verdict in verdicts if verdict.check == "runbook_relieves"), None)
    metric = plan.scenario.leaks[0].resource if plan.scenario.leaks else "memory"
    until_s = over_s(history)
    span = None if until_s is None else alert_span(history, plan, until_s)
    cleared_s = None if span is None else span.cleared_s
    changes = [run for step in plan.rehearsal.steps if step.changes and (run := run_of(history, step.name))]
    failed = _failed(history, changes[0].start_s, until_s) if changes and until_s is not None else None
    has_failed = relieves is not None and relieves.outcome is Outcome.FAIL
    return RunbookFacts(
        option=plan.rehearsal.option,
        without=plan.rehearsal.without,
        outcome=str(relieves.outcome) if relieves else str(Outcome.UNKNOWN),
        note=relieves.message if relieves else "",
        relieved_after_s=None if span is None or cleared_s is None or has_failed else cleared_s - span.fired.when,
        failed_requests=failed,
        comes_back=None if has_failed else _comes_back(history, plan, changes),
        metric=metric,
        steps=_steps(history, plan, verdicts),
        cleared_unchanged=relieves is not None and UNCHANGED in relieves.numbers,
    )


def _steps(history: History, plan: Rehearsed, verdicts: Sequence[Verdict]) -> tuple[StepFacts, ...]:
    carried = [_step(history, plan, step, verdicts) for step in plan.rehearsal.steps]
    left = [StepFacts(one.line, one.text, one.kind, "", one.why) for one in plan.rehearsal.left_out]
    return tuple(sorted([*carried, *left], key=lambda facts: facts.line))


def _step(history: History, plan: Rehearsed, step: RehearsedStep, verdicts: Sequence[Verdict]) -> StepFacts:
    skipped = skipped_steps(history).get(step.name)
    if skipped is not None:
        return StepFacts(step.line, step.text, step.kind, "", skipped)
    mine = [verdict for verdict in verdicts if verdict.subject == step.name]
    worst = max(mine, key=lambda verdict: _RANK[verdict.outcome], default=None)
    run = run_of(history, step.name)
    outcome, note = (str(worst.outcome), worst.message) if worst else (str(Outcome.UNKNOWN), "it was never begun")
    if run is None:
        return StepFacts(step.line, step.text, step.kind, outcome, note)
    status = run.act.end.more.get("exit") if run.act.end else None
    levels = _levels(history, plan, run) if step.changes else (None, None, None)
    return StepFacts(
        line=step.line,
        text=step.text,
        kind=step.kind,
        outcome=outcome,
        note=note,
        took_s=run.span.length_s,
        exit_status=None if status is None else int(status),
        before=levels[0],
        after=levels[1],
        followed_after_s=levels[2],
        failed_requests=_failed(history, run.start_s, run.end_s + _FELT_S) if step.changes else None,
    )


_RANK: Final = {Outcome.PASS: 0, Outcome.UNKNOWN: 1, Outcome.FAIL: 2}


def _levels(history: History, plan: Rehearsed, run: StepRun) -> tuple[float | None, float | None, float | None]:
    """The resource before a change, its lowest until the next one, and how long until half of the growth was gone."""
    metric = plan.scenario.leaks[0].resource if plan.scenario.leaks else "memory"
    series, baseline, until_s = resource_series(history, metric), history.phase("baseline"), over_s(history)
    later = [
        other.start_s
        for step in plan.rehearsal.steps
        if step.changes and (other := run_of(history, step.name)) and other.start_s > run.start_s
    ]
    end_s = min([*later, until_s if until_s is not None else history.end_s])
    before, after = series.between(run.start_s - _BEFORE_S, run.start_s), series.between(run.start_s, end_s)
    if not (len(before) and len(after)) or baseline is None:
        return None, None, None
    high, base = float(np.median(before.values)), series.between(*baseline)
    low = float(np.median(base.values)) if len(base) else high
    wanted = high - _FELL * (high - low)
    grown = high - low > RESOURCES[metric].least_growth
    fell = after.t[after.values <= wanted].tolist() if grown else []
    return high, float(after.values.min()), fell[0] - run.start_s if fell else None


def _comes_back(history: History, plan: Rehearsed, changes: Sequence[StepRun]) -> bool | None:
    until_s = over_s(history)
    if not changes or until_s is None or not plan.scenario.leaks:
        return None
    leak = plan.scenario.leaks[0]
    span = leak_span(history, leak.name)
    series = resource_series(history, leak.resource)
    before = None if span is None else growth_per_second(series, Span(span.start_s, changes[0].start_s))
    after = growth_per_second(series, Span(changes[-1].end_s + _SETTLED_S, until_s))
    if before is None or after is None or before.estimate <= 0:
        return None
    return after.estimate >= _AS_BEFORE * before.estimate


def _failed(history: History, from_s: float, until_s: float) -> int | None:
    """Requests that failed between two moments, by Locust's reports around them; None where nobody counted."""
    reports = history.of(LoadRequests)
    before = [e for e in reports if e.t <= from_s][-1:]
    after = [e for e in reports if e.t >= until_s][:1] or reports[-1:]
    if not before or not after:
        return None
    return int((after[0].failures or 0) - (before[0].failures or 0))


def _rounded(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value
