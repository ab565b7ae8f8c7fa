"""The effect of a step on a leak, from the record of its cell alone.

The leak stays on. What it keeps grows again at once after a step that freed it, so the lowest level within two seconds
counts; what is held only while requests are answered, and CPU, have a level of their own, and that counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from leakdrill.judging.checks.growth import leak_grows_as_declared
from leakdrill.judging.checks.load import load_problems
from leakdrill.judging.evidence.growth import growth_per_request
from leakdrill.judging.evidence.load_conduct import summary
from leakdrill.judging.evidence.resource_series import resource_series
from leakdrill.judging.evidence.windows import Span, leak_span, step_runs, unasked_exits, watched_until_s
from leakdrill.record.events import LoadRequests
from leakdrill.record.verdict import Outcome
from leakdrill.resources import RESOURCES
from leakdrill.units import show_share

if TYPE_CHECKING:
    from leakdrill.judging.evidence.windows import StepRun
    from leakdrill.record.history import History, Series
    from leakdrill.scenario.leaks import Leak
    from leakdrill.scenario.scenario import Scenario

Effect = Literal["cured", "partly", "not", "worse"]

CURED: Final = 0.8
PARTLY: Final = 0.2
"""Shares of the growth that must be gone."""

_FASTER: Final = 1.5
_AS_BEFORE: Final = 0.5
_STILL_FAILING: Final = 0.9
_HIGH: Final = 0.95
_BEFORE_S: Final = 0.5
_LOWEST_WITHIN_S: Final = 2.0
_STANDING_S: Final = 3.0
_SETTLED_S: Final = 1.0
_IN_FLIGHT_S: Final = 4.0
"""Requests that were begun before a step still hold what they hold, and a peak is told by its highest readings."""
_FELT_S: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one cell.

    Attributes:
        effect: cured, partly, not or worse; None when it could not be measured.
        reason: one sentence: what makes it so.
        gone: share of the growth that was gone at best; None when not measured.
        took_s: from the step's beginning until most of that was gone, or until the step had ended.
        failed: requests that failed from the step's beginning to 3 s after its end.
        goes_on: whether the leak grew on afterwards, at half its speed at least; None where that cannot be told.
    """

    effect: Effect | None
    reason: str
    gone: float | None = None
    took_s: float | None = None
    failed: int | None = None
    goes_on: bool | None = None

    def as_dict(self) -> dict[str, Any]:
        """The facts as data for machines."""
        return {
            "effect": self.effect,
            "why": self.reason,
            "gone_share": None if self.gone is None else round(self.gone, 3),
            "took_s": None if self.took_s is None else round(self.took_s, 2),
            "failed_requests": self.failed,
            "goes_on": self.goes_on,
        }


@dataclass(frozen=True, slots=True)
class _Levels:
    """The resource in the baseline, before the step, and at its best after it."""

    baseline: float
    before: float
    after: float
    best_at_s: float

    @property
    def gone(self) -> float:
        return (self.before - self.after) / (self.before - self.baseline)


def judge_cell(history: History, scenario: Scenario) -> Finding:
    """The effect that the only step of `scenario` had on its only leak."""
    (leak,), (step,) = scenario.leaks, scenario.steps
    grown = leak_grows_as_declared(history, leak=leak, scenario=scenario)
    if grown.outcome is Outcome.UNKNOWN:
        return Finding(effect=None, reason=grown.message)
    run = next(iter(step_runs(history)), None)
    if run is None:
        return Finding(effect=None, reason=f"{step.name} was never begun: the drill ended before")
    failed = _failed(history, run)
    down = _stopped_serving(history, run)
    if down:
        return Finding(effect="worse", reason=down, took_s=run.span.length_s, failed=failed)
    if not run.act.succeeded:
        return Finding(effect=None, reason=f"{step.name} could not be carried out: {run.act.reason}", failed=failed)
    series, problems = resource_series(history, leak.resource), load_problems(history, scenario)
    levels = _levels(history, series, leak, run)
    if problems:
        levels = f"the load was not as asked: {summary(problems)}"
    if isinstance(levels, str):
        return Finding(effect=None, reason=levels, failed=failed)
    return _finding(history, series, leak, run, levels, failed)


def _finding(history: History, series: Series, leak: Leak, run: StepRun, levels: _Levels, failed: int) -> Finding:
    gone, goes_on = levels.gone, _goes_on(history, series, leak, levels)
    effect: Effect = "cured" if gone >= CURED else "partly" if gone >= PARTLY else "not"
    reason = f"{show_share(round(min(1.0, max(0.0, gone)), 2))} of the growth was gone"
    if effect == "not" and _grew_faster(history, series, leak, levels):
        effect, reason = "worse", "it grew faster than before"
    took_s = run.span.length_s if effect in ("not", "worse") else _took_s(series, run, levels)
    return Finding(effect=effect, reason=reason, gone=gone, took_s=took_s, failed=failed, goes_on=goes_on)


def _standing(leak: Leak) -> bool:
    """Whether the resource has a level while the leak is on, and does not pile up."""
    return leak.peak is not None or RESOURCES[leak.resource].is_rate


def _levels(history: History, series: Series, leak: Leak, run: StepRun) -> _Levels | str:
    bounds = history.phase("baseline")
    base = series.between(*bounds) if bounds else series.between(0.0, -1.0)
    standing = _standing(leak)
    before = series.between(run.start_s - (_STANDING_S if standing else _BEFORE_S), run.start_s)
    from_s = run.end_s + (_IN_FLIGHT_S if standing else 0.0)
    after = series.between(from_s, from_s + (_STANDING_S if standing else _LOWEST_WITHIN_S))
    for part, name in ((base, "in the baseline"), (before, "before the step"), (after, "after the step")):
        if not len(part):
            return f"nobody measured {leak.resource} {name}"
    quantile = _HIGH if leak.peak is not None else 0.5
    levels = [float(np.quantile(part.values, quantile)) for part in (base, before, after)]
    best_at_s = from_s
    if not standing:
        levels[2], best_at_s = _lowest(after)
    if levels[1] <= levels[0]:
        return f"{leak.resource} was not above its baseline before the step"
    return _Levels(levels[0], levels[1], levels[2], best_at_s)


def _lowest(series: Series) -> tuple[float, float]:
    """The lowest level that lasted for three readings, and when."""
    values = series.values
    if len(values) < 3:  # noqa: PLR2004 - three neighbours
        return float(np.median(values)), float(series.t[-1])
    medians = np.median(np.lib.stride_tricks.sliding_window_view(values, 3), axis=1)
    at = int(medians.argmin())
    return float(medians[at]), float(series.t[at + 1])


def _took_s(series: Series, run: StepRun, levels: _Levels) -> float:
    """Until the step had ended and four fifths of what went away had gone."""
    wanted = levels.before - CURED * (levels.before - levels.after)
    part = series.between(run.start_s, levels.best_at_s + _STANDING_S)
    low = part.t[part.values <= wanted]
    return max(run.span.length_s, float(low[0]) - run.start_s if len(low) else 0.0)


def _goes_on(history: History, series: Series, leak: Leak, levels: _Levels) -> bool | None:
    until_s = watched_until_s(history)
    if _standing(leak):
        last = series.between(until_s - _SETTLED_S, until_s)
        if not len(last):
            return None
        level = float(np.quantile(last.values, _HIGH if leak.peak is not None else 0.5))
        return level - levels.baseline > _AS_BEFORE * (levels.before - levels.baseline)
    speeds = _speeds(history, series, leak, levels)
    return None if speeds is None else speeds[1] >= _AS_BEFORE * speeds[0]


def _grew_faster(history: History, series: Series, leak: Leak, levels: _Levels) -> bool:
    growth = levels.before - levels.baseline
    if _standing(leak):
        return levels.after - levels.baseline > _FASTER * growth
    speeds = _speeds(history, series, leak, levels)
    return speeds is not None and speeds[2] > _FASTER * speeds[0]


def _speeds(history: History, series: Series, leak: Leak, levels: _Levels) -> tuple[float, float, float] | None:
    """Growth per request before the step, after it, and the least that the latter may have been."""
    span = leak_span(history, leak.name)
    if span is None:
        return None
    before = growth_per_request(series, span)
    after = growth_per_request(series, Span(levels.best_at_s, watched_until_s(history)))
    if isinstance(before, str) or isinstance(after, str):
        return None
    return before.per_request.estimate, after.per_request.estimate, after.per_request.low


def _stopped_serving(history: History, run: StepRun) -> str:
    """The reason why the service no longer serves after the step; empty when it does, or when nobody can tell."""
    if any(e.when >= run.start_s for e in unasked_exits(history)):
        return "the service ended on its own"
    made, failed = _between(history, run.end_s + _SETTLED_S, watched_until_s(history))
    if made and failed / made > _STILL_FAILING:
        return f"the service stopped serving: {failed} of {made} requests failed after the step"
    return ""


def _failed(history: History, run: StepRun) -> int:
    return _between(history, run.start_s, run.end_s + _FELT_S)[1]


def _between(history: History, from_s: float, until_s: float) -> tuple[int, int]:
    """Requests made and failed, by Locust's reports from the last before `from_s` to the first after `until_s`."""
    reports = history.of(LoadRequests)
    before = [e for e in reports if e.t <= from_s][-1:]
    after = [e for e in reports if e.t >= until_s][:1] or reports[-1:]
    if not after or after[0].t <= from_s:
        return 0, 0
    return (
        int(after[0].requests or 0) - sum(int(e.requests or 0) for e in before),
        int(after[0].failures or 0) - sum(int(e.failures or 0) for e in before),
    )
