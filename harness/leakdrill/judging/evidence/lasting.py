"""Whether a level that a step reached lasted: for more than a moment, and until something else may have moved it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.resource_series import resource_series
from leakdrill.judging.evidence.windows import Span, down_spans, step_runs, watched_until_s
from leakdrill.record.events import LeakSwitchOff
from leakdrill.resources import RESOURCES

if TYPE_CHECKING:
    from leakdrill.judging.evidence.windows import StepRun
    from leakdrill.record.history import History, Series
    from leakdrill.scenario.quantities import ResourceName
    from leakdrill.scenario.scenario import Scenario

LEAST_S: Final = 1.0
"""A level that was held for less was not reached."""
_LEAST_SHARE: Final = 0.5
"""A share of a watch that is shorter than that."""
_SMOOTHED: Final = 3
_AFTER_OFF_S: Final = 1.0
"""What was leaked by requests on their way when the leak was switched off."""


def held_s(series: Series, watched: Span, level: float) -> float:
    """The longest time in `watched` for which `series` stayed at or below `level`, single readings apart."""
    part = series.between(watched.start_s, watched.end_s)
    return max((span.length_s for span in _stretches(part, watched.end_s, level, above=False)), default=0.0)


def held_long_enough(held: float, watched: Span) -> bool:
    """Whether `held` seconds are more than a moment of `watched`."""
    return held >= min(LEAST_S, _LEAST_SHARE * watched.length_s)


def came_back(history: History, scenario: Scenario, metric: ResourceName, run: StepRun, level: float) -> Span | None:
    """The first stretch of a second and more in which what the step took away was there again, though nothing leaked.

    None for what is only held while requests are answered, and where the leak goes on to the end.
    """
    leaks = [leak for leak in scenario.leaks if leak.resource == metric]
    if RESOURCES[metric].is_rate or any(leak.peak is not None or leak.stops == "never" for leak in leaks):
        return None
    names = {leak.name for leak in leaks}
    off = [act.end.t for act in history.acts(LeakSwitchOff) if act.begin.leak in names and act.end is not None]
    until_s = min([r.start_s for r in step_runs(history) if r.start_s >= run.end_s], default=watched_until_s(history))
    since_s = max([run.end_s, *off]) + _AFTER_OFF_S
    if len(off) < len(names) or any(span.overlaps(Span(since_s, until_s)) for span in down_spans(history)):
        return None
    part = resource_series(history, metric).between(since_s, until_s)
    below = np.flatnonzero(_smoothed(part) <= level)
    if not len(below):
        return None
    rest = part.between(float(part.t[below[0]]), until_s)
    return next((s for s in _stretches(rest, until_s, level, above=True) if s.length_s >= LEAST_S), None)


def _stretches(part: Series, end_s: float, level: float, *, above: bool) -> list[Span]:
    values = _smoothed(part)
    inside = values > level if above else values <= level
    spans: list[Span] = []
    start_s: float | None = None
    for t, is_inside in zip(part.t.tolist(), inside.tolist(), strict=True):
        if is_inside and start_s is None:
            start_s = t
        elif not is_inside and start_s is not None:
            spans.append(Span(start_s, t))
            start_s = None
    return spans if start_s is None else [*spans, Span(start_s, end_s)]


def _smoothed(part: Series) -> np.typing.NDArray[np.float64]:
    """The medians of three neighbours; of fewer readings what was read."""
    if len(part) < _SMOOTHED:
        return part.values
    padded = np.concatenate((part.values[:1], part.values, part.values[-1:]))
    medians: np.typing.NDArray[np.float64] = np.median(np.lib.stride_tricks.sliding_window_view(padded, 3), axis=1)
    return medians
