"""Whether a resource came back to where it was: an equivalence test in level and in slope.

"No significant difference" would pass whenever the data are poor, so the margins are stated and the whole confidence
interval must lie inside them (Schuirmann 1987). Only the upper side counts: lower than the baseline is fine, and said.

The slope has a floor. An allocator takes memory in arenas of up to 1 MiB, and a garbage collector swings; in a short
window nobody can tell that from a slow leak. The margin is therefore widened to what the window resolves, the verdict
says so, and it is UNKNOWN when even the scenario's own leak would fit into the widened margin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.checks.claim import Claim
from harness.checks.growth import LEAST_SAMPLES, Growth, growth_per_request
from harness.checks.statistics import Interval, difference_of_levels, swing
from harness.checks.timeline import Span, disk_size_bytes, last_step_end_s, leak_span, resource, watched_until_s
from harness.scenario import Baseline
from harness.units import show_duration, show_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.history import History, Series
    from harness.scenario import Leak, Scenario
    from harness.verdict import Number, Verdict

SETTLING_S: Final = 2.0
"""After a step, before its effect is measured: freed memory goes back, caches refill."""
_SKIPPED_SHARE: Final = 0.4
_LEAST_WINDOW_S: Final = 3.0
_ALLOCATOR_STEPS_BYTES: Final = {"memory": 2 * 1024**2, "disk": 256 * 1024}
"""Growth below this is no trend: two arenas of CPython 3.10 and later (1 MiB each); a few log buffers."""
_LONGER: Final = 4
"""Intervals shrink with the square root of the time, so four times the time halves them."""


@dataclass(frozen=True, slots=True)
class _Compared:
    """A resource in two windows, and what is allowed between them."""

    name: str
    phase: str
    span: Span
    base_bytes: float
    level: Interval
    level_margin_bytes: float
    growth: Growth
    slope_margin: float
    declared_margin: float

    @property
    def numbers(self) -> dict[str, Number]:
        return {
            "baseline_bytes": self.base_bytes,
            "level_bytes": self.base_bytes + self.level.estimate,
            "difference_bytes": self.level.estimate,
            "difference_low_bytes": self.level.low,
            "difference_high_bytes": self.level.high,
            "level_margin_bytes": self.level_margin_bytes,
            "slope_bytes_per_request": self.growth.per_request.estimate,
            "slope_low_bytes_per_request": self.growth.per_request.low,
            "slope_high_bytes_per_request": self.growth.per_request.high,
            "slope_margin_bytes_per_request": self.declared_margin,
            "slope_resolved_bytes_per_request": self.slope_margin,
            "requests": self.growth.requests,
            "window_s": self.span.length_s,
        }


def memory_returns_to_baseline(history: History, *, scenario: Scenario) -> Verdict:
    """Whether memory is back at its baseline's level, and flat, in the tail of `recover`."""
    return _judge(Claim("memory_returns_to_baseline"), history, scenario, "memory")


def disk_returns_to_baseline(history: History, *, scenario: Scenario) -> Verdict:
    """Whether the disk is back at its baseline's level, and flat, in the tail of `recover`.

    The margin of the level is a share of the filesystem's size. Without margins in the scenario: 10 % of that, and
    1 KiB per request.
    """
    return _judge(Claim("disk_returns_to_baseline"), history, scenario, "disk")


def memory_does_not_grow(history: History, *, scenario: Scenario) -> Verdict:
    """Whether memory in the tail of `load` is where it was in the baseline, and flat: the claim of a healthy twin."""
    return _judge(Claim("memory_does_not_grow"), history, scenario, "memory", phase="load")


def _judge(claim: Claim, history: History, scenario: Scenario, name: str, *, phase: str = "recover") -> Verdict:
    compared = _compare(history, scenario, name, phase)
    if isinstance(compared, str):
        return claim.unknown(
            f"whether {name} came back cannot be told: {compared}",
            hint=f"see the verdict measurements_are_complete; `phases.{phase}` may have to last longer",
        )
    events = compared.growth.events
    problems = [p for p in (_level_problem(compared), _slope_problem(compared)) if p]
    if problems:
        return claim.fails(
            "; ".join(problems),
            numbers=compared.numbers,
            events=events,
            hint="the step freed less than it must, or something else still grows",
        )
    if phase == "recover" and (never_left := _never_left(history, compared, scenario.leaks)):
        return claim.unknown(
            never_left, numbers=compared.numbers, events=events, hint="let the leak grow further, or narrow the margin"
        )
    doubts = [d for d in (_level_doubt(compared), _slope_doubt(compared, scenario.leaks)) if d]
    if doubts:
        longer = show_duration(_LONGER * compared.span.length_s)
        return claim.unknown(
            "; ".join(doubts),
            numbers=compared.numbers,
            events=events,
            hint=f"{show_duration(compared.span.length_s)} of `{phase}` were measured; {longer} would halve the "
            "intervals",
        )
    return claim.holds(_all_well(compared), numbers=compared.numbers, events=events)


def _compare(history: History, scenario: Scenario, name: str, phase: str) -> _Compared | str:
    series, baseline, span = resource(history, name), history.phase("baseline"), _tail(history, phase)
    if baseline is None or span is None:
        return f"the drill never reached `{'baseline' if baseline is None else phase}`"
    if span.length_s < _LEAST_WINDOW_S:
        return f"after settling only {show_duration(span.length_s)} of `{phase}` are left; 3 s are the least"
    before, after = series.between(*baseline), series.between(span.start_s, span.end_s)
    if min(len(before), len(after)) < LEAST_SAMPLES:
        return f"only {len(before)} samples in the baseline and {len(after)} in `{phase}`"
    growth = growth_per_request(series, span)
    if isinstance(growth, str):
        return growth
    level_margin, slope_margin = _margins(history, scenario, name, before)
    resolved = max(_ALLOCATOR_STEPS_BYTES[name], swing(before.values)) / growth.requests
    return _Compared(
        name=name,
        phase=phase,
        span=span,
        base_bytes=float(before.values.mean()),
        level=difference_of_levels(before.values, after.values),
        level_margin_bytes=level_margin,
        growth=growth,
        slope_margin=max(slope_margin, resolved),
        declared_margin=slope_margin,
    )


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


def _margins(history: History, scenario: Scenario, name: str, before: Series) -> tuple[float, float]:
    """Margins of level (bytes) and slope (bytes per request).

    A disk may be all but empty in the baseline, so its level's margin is a share of its size instead.
    """
    if name == "memory":
        margin = scenario.expect.memory or Baseline()
        return margin.level * float(before.values.mean()), float(margin.slope)
    margin = scenario.expect.disk or Baseline()
    return margin.level * disk_size_bytes(history, scenario), float(margin.slope)


def _level_problem(c: _Compared) -> str:
    if c.level.low <= c.level_margin_bytes:
        return ""
    return (
        f"{c.name} stayed {show_size(c.level.estimate)} above its baseline of {show_size(c.base_bytes)} "
        f"(95 % interval {show_size(c.level.low)} to {show_size(c.level.high)}); "
        f"at most {show_size(c.level_margin_bytes)} was wanted"
    )


def _slope_problem(c: _Compared) -> str:
    if c.growth.per_request.low <= c.slope_margin:
        return ""
    return (
        f"{c.name} still grows by {show_size(c.growth.per_request.estimate)} per request "
        f"(95 % interval {show_size(c.growth.per_request.low)} to {show_size(c.growth.per_request.high)}); "
        f"at most {_slope_wanted(c)} was wanted"
    )


def _never_left(history: History, c: _Compared, leaks: Sequence[Leak]) -> str:
    """Why coming back proves nothing: the leak itself stayed within the margin."""
    spans = [span for leak in leaks if leak.resource == c.name and (span := leak_span(history, leak.name))]
    leaking = [resource(history, c.name).between(span.start_s, span.end_s).values for span in spans]
    peak = max((float(values.max()) for values in leaking if len(values)), default=None)
    if peak is None or peak - c.base_bytes > c.level_margin_bytes:
        return ""
    return (
        f"{c.name} never left its baseline of {show_size(c.base_bytes)} by more than "
        f"{show_size(max(0.0, peak - c.base_bytes))}, which is within the margin of {show_size(c.level_margin_bytes)}: "
        "that it is there now proves nothing"
    )


def _level_doubt(c: _Compared) -> str:
    if c.level.high <= c.level_margin_bytes:
        return ""
    return (
        f"{c.name} is between {show_size(c.level.low)} and {show_size(c.level.high)} above its baseline of "
        f"{show_size(c.base_bytes)}; that is neither surely within {show_size(c.level_margin_bytes)} nor surely beyond"
    )


def _slope_doubt(c: _Compared, leaks: Sequence[Leak]) -> str:
    if c.growth.per_request.high > c.slope_margin:
        return (
            f"{c.name} may still grow by up to {show_size(c.growth.per_request.high)} per request; "
            f"at most {_slope_wanted(c)} was wanted"
        )
    smallest = min((leak.declared for leak in leaks if leak.resource == c.name), default=None)
    if smallest is None or c.slope_margin <= max(c.declared_margin, smallest / 2):
        return ""
    return (
        f"{c.growth.requests:.0f} requests in {show_duration(c.span.length_s)} cannot tell less than "
        f"{show_size(c.slope_margin)} per request from the allocator's steps, and the leak itself is only "
        f"{show_size(smallest)} per request"
    )


def _slope_wanted(c: _Compared) -> str:
    if c.slope_margin == c.declared_margin:
        return f"{show_size(c.declared_margin)} per request"
    return (
        f"{show_size(c.slope_margin)} per request (the least that {c.growth.requests:.0f} requests can tell; "
        f"declared: {show_size(c.declared_margin)})"
    )


def _all_well(c: _Compared) -> str:
    side = "above" if c.level.estimate >= 0 else "below"
    return (
        f"{c.name} is at {show_size(c.base_bytes + c.level.estimate)}, {show_size(abs(c.level.estimate))} {side} its "
        f"baseline of {show_size(c.base_bytes)} (margin {show_size(c.level_margin_bytes)}), "
        f"and grows by at most {show_size(max(0.0, c.growth.per_request.high))} per request; "
        f"margin {_slope_wanted(c)}"
    )
