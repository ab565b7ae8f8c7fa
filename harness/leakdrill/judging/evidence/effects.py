"""The effect of a step on the metric: levels before and after it, and how fast it grew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.growth import HIGH, growth_per_second
from leakdrill.judging.evidence.resource_series import resource_series
from leakdrill.judging.evidence.statistics import Interval, swing
from leakdrill.judging.evidence.windows import Span, leak_span, step_runs, switched_off_s
from leakdrill.resources import RESOURCES

if TYPE_CHECKING:
    from leakdrill.judging.evidence.windows import StepRun
    from leakdrill.record.history import History, Series
    from leakdrill.scenario.quantities import ResourceName
    from leakdrill.scenario.scenario import Scenario
    from leakdrill.scenario.seen import Seen

_BEFORE_S: Final = 0.5
_INTERVALS_BEFORE: Final = 1.5
_BEFORE_PEAK_S: Final = 5.0
_BEFORE_SLOPE_S: Final = 8.0
_SETTLING_S: Final = 0.5
_SETTLED_SHARE: Final = 0.4
"""A share of the time after a step: requests that it found on their way still hold what they hold."""


@dataclass(frozen=True, slots=True)
class Fall:
    """The levels of the metric: in the baseline, just before the step, and in time after it."""

    baseline: float
    before: float
    after: float
    noise: float
    watched: Span
    events: tuple[int, ...]

    @property
    def growth(self) -> float:
        """The height above the baseline at which the step found it."""
        return self.before - self.baseline

    @property
    def share(self) -> float:
        """The share of the growth that is gone; 1 is all."""
        return (self.before - self.after) / self.growth


@dataclass(frozen=True, slots=True)
class Slowdown:
    """The speed of the metric's growth before and after the step, in its unit per second."""

    before: Interval
    after: Interval
    watched: Span
    events: tuple[int, ...]

    @property
    def share(self) -> Interval:
        """The share of the speed that is gone; 1 is all. Needs a speed before the step."""
        least, estimate, most = (
            1 - speed / self.before.estimate for speed in (self.after.high, self.after.estimate, self.after.low)
        )
        return Interval(estimate, least, most)


def fall(history: History, scenario: Scenario, metric: ResourceName, expected: Seen, run: StepRun) -> Fall | str:
    """The levels around a step, or the reason why they are not known.

    A resource that is kept is at its level all the time, so its lowest level after the step counts. One that is held
    only while requests are answered falls back between them, so there the high levels are compared.
    """
    series, baseline = resource_series(history, metric), history.phase("baseline")
    if baseline is None:
        return "there is no baseline"
    peaks = any(leak.peak is not None for leak in scenario.leaks if leak.resource == metric)
    watched = watched_after(history, scenario, metric, expected, run)
    base = series.between(*baseline)
    before = series.between(run.start_s - (_BEFORE_PEAK_S if peaks else _before_s(history, base, run)), run.start_s)
    skipped_s = _SETTLED_SHARE * watched.length_s if peaks else 0.0
    after = series.between(watched.start_s + skipped_s, watched.end_s)
    for part, name in ((base, "in the baseline"), (before, "just before it"), (after, "after it")):
        if not len(part):
            return f"no sample of {metric} {name}"
    return Fall(
        baseline=_high(base) if peaks else float(np.median(base.values)),
        before=_high(before) if peaks else float(np.median(before.values)),
        after=_high(after) if peaks else _lowest(after),
        noise=swing(base.values) if len(base) > 1 else 0.0,
        watched=watched,
        events=(before.indices[-1], after.indices[-1]),
    )


def _before_s(history: History, base: Series, run: StepRun) -> float:
    """The reach of "just before": to the newest reading where readings are rare, but not behind another step."""
    rare_s = _INTERVALS_BEFORE * float(np.median(np.diff(base.t))) if len(base) > 1 else 0.0
    since_s = max((other.end_s for other in _other_steps(history, run, before=True)), default=0.0)
    return max(_BEFORE_S, min(rare_s, run.start_s - since_s))


def slowdown(
    history: History, scenario: Scenario, metric: ResourceName, expected: Seen, run: StepRun
) -> Slowdown | str:
    """The speeds of growth around a step, or the reason why they are not known."""
    series = resource_series(history, metric)
    watched = watched_after(history, scenario, metric, expected, run, slope=True)
    spans = [span for leak in scenario.leaks if leak.resource == metric and (span := leak_span(history, leak.name))]
    earlier = [other.end_s for other in _other_steps(history, run, before=True)]
    since_s = max([run.start_s - _BEFORE_SLOPE_S, *(span.start_s for span in spans), *earlier])
    settled = Span(watched.start_s + _SETTLING_S, watched.end_s)
    before, after = growth_per_second(series, Span(since_s, run.start_s)), growth_per_second(series, settled)
    if before is None or after is None:
        return f"too few samples of {metric} {'before' if before is None else 'after'} it to tell how fast it grows"
    indices = series.between(since_s, settled.end_s).indices
    return Slowdown(before, after, settled, (indices[0], indices[-1]))


def watched_after(
    history: History, scenario: Scenario, metric: ResourceName, expected: Seen, run: StepRun, *, slope: bool = False
) -> Span:
    """The time after a step in which nothing else may move the metric.

    It ends with the next step; the looks of a rehearsal, commands that are no steps of `scenario`, move nothing. What
    was leaked stays when its cause ends, but a peak, the use of CPU and the speed of growth end with it: there it also
    ends when the leak is switched off, which would cure as well.
    """
    steps = {step.name for step in scenario.steps}
    later = [
        other.start_s
        for other in _other_steps(history, run, before=False)
        if other.act.name in steps or other.act.begin.action != "command"
    ]
    ends = [run.end_s + expected.within, *later]
    fleeting = [
        leak.name
        for leak in scenario.leaks
        if leak.resource == metric and (slope or leak.peak is not None or RESOURCES[metric].is_rate)
    ]
    off_s = switched_off_s(history, fleeting, run.end_s)
    return Span(run.end_s, min([*ends, *([] if off_s is None else [off_s])]))


def _other_steps(history: History, run: StepRun, *, before: bool) -> list[StepRun]:
    """The steps that were carried out before, or begun after, `run`."""
    runs = [other for other in step_runs(history) if other.act.begin.index != run.act.begin.index]
    return [r for r in runs if (r.end_s <= run.start_s if before else r.start_s >= run.end_s)]


def _high(series: Series) -> float:
    return float(np.quantile(series.values, HIGH))


def _lowest(series: Series) -> float:
    """The lowest level that lasted: the least median of three neighbours, so that one odd sample does not count."""
    values = series.values
    if len(values) < 3:  # noqa: PLR2004 - three neighbours
        return float(np.median(values))
    return float(np.median(np.lib.stride_tricks.sliding_window_view(values, 3), axis=1).min())
