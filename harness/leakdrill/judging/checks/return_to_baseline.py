"""Whether a resource came back to where it was: an equivalence test in level and in slope.

"No significant difference" would pass whenever the data are poor, so the margins are stated and the whole confidence
interval must lie inside them (Schuirmann 1987). Only the upper side counts: lower than the baseline is fine, and said.

The slope has a floor. An allocator takes memory in arenas of up to 1 MiB, and a garbage collector swings; in a short
window nobody can tell that from a slow leak. The margin is therefore widened to what the window resolves, the verdict
says so, and it is UNKNOWN when even the scenario's own leak would fit into the widened margin. The use of CPU has no
slope: what is spent is gone, and only the level can come back.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from leakdrill.judging.checks.gpu import gpus_are_left_out
from leakdrill.judging.checks.limits import end_of, unwanted_ends
from leakdrill.judging.evidence.capacity import disk_size_bytes
from leakdrill.judging.evidence.check import Case, Check
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.evidence.growth import LEAST_SAMPLES, Growth, grows_steadily, growth_per_request
from leakdrill.judging.evidence.leak_amount import kept_per_request
from leakdrill.judging.evidence.resource_series import resource_series
from leakdrill.judging.evidence.statistics import Interval, difference_of_levels, robust_slope, swing
from leakdrill.judging.evidence.windows import Span, last_step_end_s, leak_span, watched_until_s
from leakdrill.resources import RESOURCES, Resource, held_by
from leakdrill.scenario.expectations import Baseline, CpuBaseline
from leakdrill.units import show_count, show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leakdrill.record.history import History, Series
    from leakdrill.record.verdict import Number, Verdict
    from leakdrill.scenario.leaks import Leak
    from leakdrill.scenario.quantities import ResourceName
    from leakdrill.scenario.scenario import Scenario

SETTLING_S: Final = 2.0
"""After a step, before its effect is measured: freed memory goes back, caches refill."""
_SKIPPED_SHARE: Final = 0.4
_LEAST_WINDOW_S: Final = 3.0
_FIRST_S: Final = 1.0
"""The beginning of `load`, in which no leak has taken anything away from the baseline's level yet."""
_LOW: Final = 0.05
_LONGER: Final = 4
"""Intervals shrink with the square root of the time, so four times the time halves them."""


@dataclass(frozen=True, slots=True)
class _Trend:
    """The growth of a resource per request, with the part that is allowed and the part that can be resolved."""

    growth: Growth
    margin: float
    declared_margin: float

    @property
    def numbers(self) -> dict[str, Number]:
        rate = self.growth.per_request
        return {
            "slope": rate.estimate,
            "slope_low": rate.low,
            "slope_high": rate.high,
            "slope_margin": self.declared_margin,
            "slope_resolved": self.margin,
        }


@dataclass(frozen=True, slots=True)
class _Compared:
    """A resource in two windows, and what is allowed between them."""

    measure: Resource
    phase: str
    span: Span
    base: float
    level: Interval
    level_margin: float
    trend: _Trend | None
    events: tuple[int, ...]

    @property
    def numbers(self) -> dict[str, Number]:
        unit = self.measure.unit
        numbers: dict[str, Number] = {
            f"baseline_{unit}": self.base,
            f"level_{unit}": self.base + self.level.estimate,
            f"difference_{unit}": self.level.estimate,
            f"difference_low_{unit}": self.level.low,
            f"difference_high_{unit}": self.level.high,
            f"level_margin_{unit}": self.level_margin,
            "window_s": self.span.length_s,
        }
        if self.trend is None:
            return numbers
        slopes = {f"{name}_{unit}_per_request": value for name, value in self.trend.numbers.items()}
        return numbers | slopes | {"requests": self.trend.growth.requests}


def returns_to_baseline(history: History, *, scenario: Scenario, name: ResourceName) -> Verdict:
    """Whether a resource is back at its baseline's level, and flat, in the tail of `recover`.

    The level's margin is a share of the baseline for memory, descriptors and threads (at least 4 of these), of the
    filesystem's size for the disk, and of the CPU limit (one core without one) for CPU, of which only the level is
    looked at.
    """
    return _judge(Claim(RESOURCES[name].returns), history, scenario, name)


def does_not_grow(history: History, *, scenario: Scenario, name: ResourceName) -> Verdict:
    """Whether a resource in the tail of `load` is where it was in the baseline, and flat: the claim of a twin."""
    return _judge(Claim(RESOURCES[name].stays), history, scenario, name, phase="load")


def memory_returns_to_baseline(history: History, *, scenario: Scenario) -> Verdict:
    """Whether memory is back at its baseline's level, and flat, in the tail of `recover`."""
    return returns_to_baseline(history, scenario=scenario, name="memory")


def _judge(
    claim: Claim, history: History, scenario: Scenario, name: ResourceName, *, phase: str = "recover"
) -> Verdict:
    compared = _compare(history, scenario, name, phase)
    if isinstance(compared, str):
        return claim.unknown(
            f"whether {name} came back cannot be told: {compared}",
            hint=f"see the verdict measurements_are_complete; `phases.{phase}` may have to last longer",
        )
    numbers, events = compared.numbers, compared.events
    problems = [p for p in (_level_problem(compared), _slope_problem(compared)) if p]
    if problems:
        return claim.fails(
            "; ".join(problems),
            numbers=numbers,
            events=events,
            hint="the step freed less than it must, or something else still grows",
        )
    if phase == "recover" and (never_left := _never_left(history, compared, scenario.leaks)):
        return claim.unknown(
            never_left, numbers=numbers, events=events, hint="let the leak grow further, or narrow the margin"
        )
    leaks = [leak for leak in scenario.leaks if leak.resource == name]
    kept = [one for leak in leaks if (one := kept_per_request(history, leak)) is not None]
    doubts = [d for d in (_level_doubt(compared), _slope_doubt(compared, min(kept, default=None))) if d]
    if doubts:
        longer = show_duration(_LONGER * compared.span.length_s)
        return claim.unknown(
            "; ".join(doubts),
            numbers=numbers,
            events=events,
            hint=f"{show_duration(compared.span.length_s)} of `{phase}` were measured; {longer} would halve the "
            "intervals",
        )
    ends = [end for end in unwanted_ends(history, scenario) if end.when <= compared.span.end_s]
    if ends:
        return claim.unknown(
            f"{end_of(ends[0])}: what was read of {name} is not of one service that went on",
            numbers=numbers,
            events=[end.index for end in ends],
            hint="see the verdict target_keeps_running",
        )
    return claim.holds(_all_well(compared), numbers=numbers, events=events)


def _compare(history: History, scenario: Scenario, name: ResourceName, phase: str) -> _Compared | str:
    series, baseline, span = resource_series(history, name), history.phase("baseline"), _tail(history, phase)
    if baseline is None or span is None:
        return f"the drill never reached `{'baseline' if baseline is None else phase}`"
    if span.length_s < _LEAST_WINDOW_S:
        return f"after settling only {show_duration(span.length_s)} of `{phase}` are left; 3 s are the least"
    before, after = series.between(*baseline), series.between(span.start_s, span.end_s)
    if min(len(before), len(after)) < LEAST_SAMPLES:
        return f"only {show_count(len(before), 'sample')} in the baseline and {len(after)} in `{phase}`"
    margin = _level_margin(history, scenario, name, before)
    unsteady = _unsteady(RESOURCES[name], before, series, history.phase("load"), margin)
    if unsteady:
        return unsteady
    trend = _trend(scenario, name, before, series, span)
    if isinstance(trend, str):
        return trend
    return _Compared(
        measure=RESOURCES[name],
        phase=phase,
        span=span,
        base=float(before.values.mean()),
        level=difference_of_levels(before.values, after.values),
        level_margin=margin,
        trend=trend,
        events=(after.indices[0], after.indices[-1]),
    )


def _unsteady(
    measure: Resource, before: Series, series: Series, load: tuple[float, float] | None, margin: float
) -> str:
    """Why the baseline is no level to return to: it rose or fell itself, or stands above what came right after it."""
    length_s, show = float(before.t[-1] - before.t[0]), measure.show
    noise = swing(before.values)
    drift = robust_slope(before.t, before.values).times(length_s)
    if min(abs(drift.low), abs(drift.high)) > max(margin, noise) and drift.low * drift.high > 0:
        moved = "rose" if drift.estimate > 0 else "fell"
        return f"{measure.its} baseline itself {moved} by {show(abs(drift.estimate))}, as while warming up"
    first = series.between(load[0], load[0] + _FIRST_S).values if load else before.values[:0]
    if measure.is_rate or not len(first):
        return ""
    drop = float(np.quantile(before.values, _LOW) - np.median(first))
    if drop > max(margin, noise):
        return f"right after the baseline {measure.name} {measure.was} {show(drop)} lower, without a cause"
    return ""


def _trend(scenario: Scenario, name: ResourceName, before: Series, series: Series, span: Span) -> _Trend | str | None:
    """Returns the growth in `span`; the reason why it is not known; None where only the level counts."""
    margin = scenario.margin(name) or Baseline()
    if isinstance(margin, CpuBaseline):
        return None
    growth = growth_per_request(series, span)
    if isinstance(growth, str):
        return growth
    resolved = max(RESOURCES[name].unresolved, swing(before.values)) / growth.requests
    if grows_steadily(series, span, margin.slope):
        resolved = 0.0
    return _Trend(growth=growth, margin=max(margin.slope, resolved), declared_margin=float(margin.slope))


def _tail(history: History, phase: str) -> Span | None:
    """The part of `phase` that is measured: without its beginning, and without the settling of the last step."""
    bounds = history.phase(phase)
    if bounds is None:
        return None
    start_s, end_s = bounds
    settled_s = (last_step_end_s(history) or start_s) + SETTLING_S if phase == "recover" else start_s
    if phase == "recover":
        end_s = min(end_s, watched_until_s(history))
    return Span(max(start_s + _SKIPPED_SHARE * (end_s - start_s), settled_s), end_s)


def _level_margin(history: History, scenario: Scenario, name: ResourceName, before: Series) -> float:
    """The distance above the baseline's level that a resource may keep, in its unit.

    A disk may be all but empty in the baseline, and a service all but idle: there the margin is a share of the whole.
    """
    share = (scenario.margin(name) or Baseline()).level
    if RESOURCES[name].margin_of == "disk":
        return share * disk_size_bytes(history, scenario)
    if RESOURCES[name].margin_of == "cpus":
        return share * (scenario.target.limits.cpus or 1.0)
    return max(share * float(before.values.mean()), RESOURCES[name].least_margin)


def _level_problem(c: _Compared) -> str:
    if c.level.low <= c.level_margin:
        return ""
    show = c.measure.show
    return (
        f"{c.measure.name} stayed {show(c.level.estimate)} above {c.measure.its} baseline of {show(c.base)} "
        f"(95 % interval {show(c.level.low)} to {show(c.level.high)}); "
        f"at most {show(c.level_margin)} was wanted"
    )


def _slope_problem(c: _Compared) -> str:
    if c.trend is None or c.trend.growth.per_request.low <= c.trend.margin:
        return ""
    rate, show = c.trend.growth.per_request, c.measure.show
    return (
        f"{c.measure.name} still {c.measure.grows} by {show(rate.estimate)} per request "
        f"(95 % interval {show(rate.low)} to {show(rate.high)}); "
        f"at most {_slope_wanted(c, c.trend)} was wanted"
    )


def _never_left(history: History, c: _Compared, leaks: Sequence[Leak]) -> str:
    """The reason why coming back proves nothing: the leak itself stayed within the margin."""
    name, show = c.measure.name, c.measure.show
    spans = [span for leak in leaks if leak.resource == name and (span := leak_span(history, leak.name))]
    leaking = [resource_series(history, name).between(span.start_s, span.end_s).values for span in spans]
    peak = max((float(values.max()) for values in leaking if len(values)), default=None)
    if peak is None or peak - c.base > c.level_margin:
        return ""
    return (
        f"{name} never left {c.measure.its} baseline of {show(c.base)} by more than "
        f"{show(max(0.0, peak - c.base))}, which is within the margin of {show(c.level_margin)}: "
        f"that {'they are' if c.measure.plural else 'it is'} there now proves nothing"
    )


def _level_doubt(c: _Compared) -> str:
    if c.level.high <= c.level_margin:
        return ""
    show = c.measure.show
    return (
        f"{c.measure.name} {c.measure.present} between {show(c.level.low)} and {show(c.level.high)} above "
        f"{c.measure.its} baseline of {show(c.base)}; that is neither surely within {show(c.level_margin)} nor "
        "surely beyond"
    )


def _slope_doubt(c: _Compared, smallest: float | None) -> str:
    """The reason why the growth is not known; `smallest` is what the scenario's own leak keeps per request."""
    if c.trend is None:
        return ""
    show = c.measure.show
    if c.trend.growth.per_request.high > c.trend.margin:
        return (
            f"{c.measure.name} may still grow by up to {show(c.trend.growth.per_request.high)} per request; "
            f"at most {_slope_wanted(c, c.trend)} was wanted"
        )
    if smallest is None or c.trend.margin <= max(c.trend.declared_margin, smallest / 2):
        return ""
    return (
        f"{show_count(c.trend.growth.requests, 'request')} in {show_duration(c.span.length_s)} cannot tell less than "
        f"{show(c.trend.margin)} per request from the allocator's steps, and the leak itself is only "
        f"{show(smallest)} per request"
    )


def _slope_wanted(c: _Compared, trend: _Trend) -> str:
    show = c.measure.show
    if trend.margin == trend.declared_margin:
        return f"{show(trend.declared_margin)} per request"
    return (
        f"{show(trend.margin)} per request (the scenario asks for {show(trend.declared_margin)}, but slower growth "
        f"cannot be told from the allocator's steps within {show_count(trend.growth.requests, 'request')})"
    )


def _all_well(c: _Compared) -> str:
    side, show = "above" if c.level.estimate >= 0 else "below", c.measure.show
    level = (
        f"{c.measure.name} {c.measure.present} at {show(c.base + c.level.estimate)}, {show(abs(c.level.estimate))} "
        f"{side} {c.measure.its} baseline of {show(c.base)} (margin {show(c.level_margin)})"
    )
    if c.trend is None:
        return level
    return (
        f"{level}, and {c.measure.grows} by at most {show(max(0.0, c.trend.growth.per_request.high))} per request; "
        f"margin {_slope_wanted(c, c.trend)}"
    )


class JudgesResource(Protocol):
    """A pure function from a history, its scenario and a resource's name to a verdict."""

    def __call__(self, history: History, /, *, scenario: Scenario, name: ResourceName) -> Verdict:
        """The verdict."""
        ...


def resource_stays(names: Sequence[ResourceName], judge: JudgesResource) -> Check[Scenario]:
    """Returns the row of a twin's claims about `names`."""

    def cases(history: History, scenario: Scenario) -> Iterator[Case]:
        for name in [] if scenario.leaks else _checked(names, history, scenario):
            yield Case(Claim(RESOURCES[name].stays), partial(judge, history, scenario=scenario, name=name))

    return Check(
        {RESOURCES[name].stays: f"Nothing leaked: {_level_phrase(name)} at the end of `load`." for name in names}, cases
    )


def resource_returns(names: Sequence[ResourceName], judge: JudgesResource) -> Check[Scenario]:
    """Returns the row of the claims that `names` return to their baselines.

    Where nothing leaked and nothing was done, that it does not grow says all there is to say.
    """

    def cases(history: History, scenario: Scenario) -> Iterator[Case]:
        for name in _checked(names, history, scenario) if scenario.leaks or scenario.steps else []:
            yield Case(Claim(RESOURCES[name].returns), partial(judge, history, scenario=scenario, name=name))

    return Check(
        {RESOURCES[name].returns: f"After the steps {_level_phrase(name)}, at the end of `recover`." for name in names},
        cases,
    )


def _checked(names: Sequence[ResourceName], history: History, scenario: Scenario) -> list[ResourceName]:
    left_out = held_by("gpu") if gpus_are_left_out(history, scenario) else ()
    return [name for name in names if name not in left_out and scenario.margin(name) is not None]


def _level_phrase(name: str) -> str:
    resource = RESOURCES[name]
    flat = "" if resource.is_rate else ", and no longer " + ("grow" if resource.plural else "grows")
    return f"`{name}` {resource.present} within the margin of {resource.its} baseline{flat}"


_PLAIN: Final = tuple(name for name in RESOURCES if name not in held_by("torch"))
STAYS: Final = resource_stays(_PLAIN, does_not_grow)
RETURNS: Final = resource_returns(_PLAIN, returns_to_baseline)
