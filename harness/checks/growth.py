"""Whether the leak leaked: a drill whose leak did not leak proves nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from harness.checks.claim import Claim
from harness.checks.statistics import Interval, slope
from harness.checks.timeline import Span, leak_span, resource
from harness.units import show_duration, show_size
from harness.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.history import History, Series
    from harness.scenario import Leak
    from harness.verdict import Verdict

LEAST_SAMPLES: Final = 10
LEAST_REQUESTS: Final = 50
"""Fewer say nothing about growth per request: one arena of an allocator outweighs them."""
_LEAST_SHARE: Final = 0.5
_MOST_SHARE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Growth:
    """How a resource grew over a span, in bytes per request."""

    per_request: Interval
    requests: float
    span: Span
    events: tuple[int, ...]


def counted(series: Series) -> Series:
    """The samples at which somebody had counted requests."""
    known = ~np.isnan(series.requests)
    return type(series)(
        t=series.t[known],
        values=series.values[known],
        requests=series.requests[known],
        indices=tuple(np.asarray(series.indices, dtype=int)[known].tolist()),
    )


def growth_per_request(series: Series, span: Span) -> Growth | str:
    """Growth of `series` per completed request in `span`, or the reason why it cannot be told."""
    part = counted(series.between(span.start_s, span.end_s))
    if len(part) < LEAST_SAMPLES:
        return f"only {len(part)} samples with a count of requests in {show_duration(span.length_s)}"
    requests = float(part.requests[-1] - part.requests[0])
    if requests < LEAST_REQUESTS:
        return f"only {requests:.0f} requests in {show_duration(span.length_s)}"
    return Growth(slope(part.requests, part.values), requests, span, (part.indices[0], part.indices[-1]))


def growth_per_second(series: Series, span: Span) -> Interval | None:
    """Growth of `series` in bytes per second over `span`; None when there are too few samples."""
    part = series.between(span.start_s, span.end_s)
    return slope(part.t, part.values) if len(part) >= LEAST_SAMPLES else None


def leak_grows_as_declared(history: History, *, leak: Leak, leaks: Sequence[Leak]) -> Verdict:
    """Whether `leak` grew its resource by what it declares per request, within a factor of two.

    Leaks of one resource cannot be told apart, so the sum of all in `leaks` that grow the same one is judged.
    UNKNOWN when it grew by less: the drill then proves nothing about alerts and steps.
    """
    claim = Claim("leak_grows_as_declared", leak.name)
    span = leak_span(history, leak.name)
    if span is None:
        return _never_on(history, leak, claim)
    growth = growth_per_request(resource(history, leak.resource), span)
    if isinstance(growth, str):
        return claim.unknown(
            f"whether {leak.name} leaked cannot be told: {growth}",
            hint="let `phases.load` last longer, or raise `load.rate`",
        )
    return _judge_growth(claim, leak, growth, sum(one.declared for one in leaks if one.resource == leak.resource))


def leaks_show(history: History, leaks: Sequence[Leak]) -> bool:
    """Whether every leak grew as declared, or by more."""
    verdicts = [leak_grows_as_declared(history, leak=leak, leaks=leaks) for leak in leaks]
    return all(verdict.outcome is not Outcome.UNKNOWN for verdict in verdicts)


def _never_on(history: History, leak: Leak, claim: Claim) -> Verdict:
    tries = [act for act in history.acts("leak", "switch_on") if act.begin.labels.get("leak") == leak.name]
    why = f": {tries[0].why}" if tries else ""
    return claim.unknown(
        f"{leak.name} was never switched on{why}: this drill proves nothing",
        events=[act.begin.index for act in tries],
        hint="look at the target's log; `leaks[].switch` says how the leak is switched on",
    )


def _judge_growth(claim: Claim, leak: Leak, growth: Growth, declared: float) -> Verdict:
    seen = growth.per_request
    numbers = {
        "bytes_per_request": seen.estimate,
        "bytes_per_request_low": seen.low,
        "bytes_per_request_high": seen.high,
        "declared_bytes_per_request": declared,
        "requests": growth.requests,
        "window_s": growth.span.length_s,
    }
    said = (
        f"{leak.resource} grew by {show_size(seen.estimate)} per request "
        f"(95 % interval {show_size(seen.low)} to {show_size(seen.high)}) over {growth.requests:.0f} requests; "
        f"declared: {show_size(declared)}"
    )
    if seen.high < _LEAST_SHARE * declared:
        return claim.unknown(
            f"the leak did not leak: {said}; this drill proves nothing",
            numbers=numbers,
            events=growth.events,
            hint=f"is {leak.name} really switched on, and do the requests of the locustfile reach it?",
        )
    if seen.low > _MOST_SHARE * declared:
        return claim.fails(
            said, numbers=numbers, events=growth.events, hint="correct `per_request`, or look for a second leak"
        )
    if seen.low < _LEAST_SHARE * declared or seen.high > _MOST_SHARE * declared:
        return claim.unknown(
            f"{said}: too uncertain to say that it is within a factor of two",
            numbers=numbers,
            events=growth.events,
            hint="let `phases.load` last longer, or raise `load.rate`",
        )
    return claim.holds(said, numbers=numbers, events=growth.events)
