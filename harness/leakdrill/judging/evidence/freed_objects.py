"""Whether a step freed what had leaked although memory stayed: by a gauge of the service's own that fell with it.

An allocator keeps pages for the next request: a flush may empty a cache, and the process stays as large. What the
service counts itself, such as the entries of that cache, then says more of the step than its memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.windows import Span, step_runs, unasked_exits
from leakdrill.record.events import ServiceMetrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.judging.evidence.windows import StepRun
    from leakdrill.record.history import History

_NO_GAUGES: Final = ("_total", "_count", "_sum", "_created", "_seconds", "_info")
_OF_THE_PROCESS: Final = ("process_", "python_gc_", "nodejs_", "go_memstats_", "jvm_memory_")
_PARTS: Final = 4
_LEAST_READINGS: Final = 4
_MOST_LEFT: Final = 0.2
"""The share of what a gauge had grown by that may be left of it after the step."""
_LEAST_GROWTH: Final = 2.0


@dataclass(frozen=True, slots=True)
class FreedObjects:
    """A gauge that had grown until the step and fell with it."""

    series: str
    before: float
    after: float
    events: tuple[int, ...]

    def __str__(self) -> str:
        return f"the service's own {self.series} fell from {self.before:,.0f} to {self.after:,.0f}"


def freed_objects(history: History, run: StepRun, *, within_s: float) -> FreedObjects | None:
    """The gauge that fell most with the step `run`, if there is one that had grown as a leak does."""
    baseline, pages = history.phase("baseline"), history.of(ServiceMetrics)
    later = [other.start_s for other in step_runs(history) if other.start_s > run.end_s]
    watched = Span(run.end_s, min([run.end_s + within_s, *later]))
    if baseline is None or any(run.start_s <= exit_.when <= watched.end_s for exit_ in unasked_exits(history)):
        return None
    growing = [page for page in pages if page.values and baseline[0] <= page.t < run.start_s]
    after = [page for page in pages if page.values and watched.start_s <= page.t <= watched.end_s]
    if len(growing) < _LEAST_READINGS or not after:
        return None
    found = list(_fallen(growing, after))
    return max(found, key=lambda one: (one.before - one.after) / max(one.before, 1.0), default=None)


def _fallen(growing: list[ServiceMetrics], after: list[ServiceMetrics]) -> Iterator[FreedObjects]:
    for series in growing[-1].others:
        name = series.partition("{")[0]
        if name.endswith(_NO_GAUGES) or name.startswith(_OF_THE_PROCESS):
            continue
        values = np.array([page.others.get(series, np.nan) for page in growing])
        left = np.array([page.others.get(series, np.nan) for page in after])
        if np.isnan(values).any() or np.isnan(left).any():
            continue
        first, last = float(values[0]), float(values[-1])
        lowest = int(np.argmin(left))
        if _grew(values) and float(left[lowest]) <= first + _MOST_LEFT * (last - first):
            yield FreedObjects(series, last, float(left[lowest]), (growing[-1].index, after[lowest].index))


def _grew(values: np.typing.NDArray[np.float64]) -> bool:
    """Whether it rose from part to part towards the step: what only goes up and down does not."""
    first, last = float(values[0]), float(values[-1])
    halves = [float(np.median(part)) for part in np.array_split(values, _PARTS)[_PARTS // 2 :]]
    rises = all(a < b for a, b in pairwise(halves)) and halves[-1] <= last
    return rises and last - first >= _LEAST_GROWTH and last >= _LEAST_GROWTH * max(first, 0.0)
