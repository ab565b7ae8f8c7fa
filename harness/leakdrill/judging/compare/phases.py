"""Two drills phase by phase: where each phase lies in both, and what was read in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.compare.difference import LEAST_SHARE, Difference, Direction, Figure, difference
from leakdrill.judging.compare.shares import share_interval
from leakdrill.judging.evidence.crowded_machine import crowded
from leakdrill.judging.evidence.resource_series import read_series, resource_series
from leakdrill.judging.evidence.statistics import difference_of_levels
from leakdrill.judging.evidence.windows import Span
from leakdrill.record.events import LoadRequests
from leakdrill.record.history import PHASES
from leakdrill.resources import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.judging.compare.stored_run import StoredRun
    from leakdrill.judging.evidence.statistics import Floats
    from leakdrill.record.history import History, Series
    from leakdrill.scenario.quantities import ResourceName
    from leakdrill.scenario.scenario import Scenario

_COMPARED: Final = ("baseline", "load", "mitigate", "recover")
_LEAST_READINGS: Final = 6
"""Fewer in a phase tell nothing of its noise."""
_LEAST_MS: Final = 2.0
"""Locust tells response times in whole milliseconds."""
_LOAD: Final[tuple[tuple[str, str, str, Direction, float], ...]] = (
    ("rps", "requests a second", "per_second", "higher", 0.0),
    ("p50_ms", "p50", "milliseconds", "lower", _LEAST_MS),
    ("p99_ms", "p99", "milliseconds", "lower", _LEAST_MS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignedPhase:
    """A phase that both runs reached, in seconds since the start of each; laid over each other they begin together."""

    name: str
    before_start_s: float
    before_end_s: float
    after_start_s: float
    after_end_s: float


def aligned_phases(before: History, after: History) -> list[AlignedPhase]:
    """Returns the phases that both runs reached, in order."""
    found = []
    for name in PHASES:
        one, other = before.phase(name), after.phase(name)
        if one is not None and other is not None:
            found.append(
                AlignedPhase(
                    name=name,
                    before_start_s=one[0],
                    before_end_s=one[1],
                    after_start_s=other[0],
                    after_end_s=other[1],
                )
            )
    return found


def phase_differences(before: StoredRun, after: StoredRun) -> Iterator[Difference]:
    """Yields, for each phase of two drills, a row for each resource, for the rate, the failures and the latency."""
    for phase in _COMPARED:
        doubt = _crowded(before.history, phase) or _crowded(after.history, phase)
        for name in _watched(before, after):
            yield _level_difference(before, after, name, phase)
        for field, what, unit, wanted, least in _LOAD:
            pair = [_in_phase(run.history.series(LoadRequests, field), run.history, phase) for run in (before, after)]
            yield _series_difference(what, unit, phase, pair[0], pair[1], wanted=wanted, least=least, doubt=doubt)
        rates = [_failed_share(run.history, phase, doubt) for run in (before, after)]
        yield difference("failed requests", "share", rates[0], rates[1], wanted="lower", phase=phase)


def _crowded(history: History, phase: str) -> str:
    """How others took the machine's CPU time in a phase: rates and latencies of it tell nothing of the service."""
    bounds = history.phase(phase)
    found = crowded(history, Span(*bounds)) if bounds else None
    return "" if found is None else str(found)


def _watched(before: StoredRun, after: StoredRun) -> list[ResourceName]:
    """Memory, and whatever either drill leaks or holds to a margin."""
    scenarios = [run.scenario for run in (before, after) if run.scenario is not None]
    names: list[ResourceName] = [name for name in RESOURCES if any(one.margin(name) for one in scenarios)]
    return list(dict.fromkeys(["memory", *names]))


def _level_difference(before: StoredRun, after: StoredRun, name: ResourceName, phase: str) -> Difference:
    resource, histories = RESOURCES[name], (before.history, after.history)
    pair = [_in_phase(resource_series(history, name), history, phase) for history in histories]
    other_meter = all(len(values) for values in pair) and len({_meter(history, name) for history in histories}) > 1
    doubt = "two meters read it, which count differently" if other_meter else ""
    least = max(resource.least_margin, _margin(before.scenario, name, pair[0]))
    return _series_difference(name, resource.unit, phase, pair[0], pair[1], wanted="lower", least=least, doubt=doubt)


def _margin(scenario: Scenario | None, name: ResourceName, values: Floats) -> float:
    """The distance between two levels that the scenario calls none, in the resource's unit."""
    margin = None if scenario is None else scenario.margin(name)
    if scenario is None or margin is None or not len(values):
        return 0.0
    whole = RESOURCES[name].margin_of
    if whole == "cpus":
        return margin.level * (scenario.target.limits.cpus or 1.0)
    return margin.level * float(scenario.target.limits.disk or 0 if whole == "disk" else values.mean())


def _meter(history: History, name: str) -> str:
    """The source that the readings of a resource come from; empty where there are none."""
    series = read_series(history, name)
    return history.events[series.indices[0]].source if len(series) else ""


def _in_phase(series: Series, history: History, phase: str) -> Floats:
    bounds = history.phase(phase)
    values = series.between(*bounds).values if bounds else series.values[:0]
    return values[np.isfinite(values)]


def _series_difference(
    what: str,
    unit: str,
    phase: str,
    before: Floats,
    after: Floats,
    *,
    wanted: Direction,
    least: float,
    doubt: str = "",
) -> Difference:
    """The row of two stretches of readings: their means, and the interval of the difference."""
    figures = [_mean(values, doubt) for values in (before, after)]
    interval = None
    if figures[0] and figures[1] and not (figures[0].doubt or figures[1].doubt):
        found = difference_of_levels(before, after)
        interval = (found.low, found.high)
        least = max(least, LEAST_SHARE * abs(figures[0].value))
    return difference(what, unit, figures[0], figures[1], wanted=wanted, phase=phase, least=least, interval=interval)


def _mean(values: Floats, doubt: str) -> Figure | None:
    if not len(values):
        return None
    few = f"only {len(values)} readings" if len(values) < _LEAST_READINGS else ""
    return Figure(value=float(values.mean()), doubt=doubt or few)


def _failed_share(history: History, phase: str, doubt: str) -> Figure | None:
    counts = [_in_phase(history.series(LoadRequests, name), history, phase) for name in ("failures", "requests")]
    if min(map(len, counts)) < 2:  # noqa: PLR2004 - a count grows between two readings
        return None
    failed, made = (float(one[-1] - one[0]) for one in counts)
    if made <= 0 or not 0 <= failed <= made:
        return None
    low, high = share_interval(failed, made)
    return Figure(value=failed / made, low=low, high=high, doubt=doubt)
