"""Whether the leak leaked: a drill whose leak did not leak proves nothing.

A leak is plain when it grows its resource by surely more than a healthy service may, and by more than this one did in
its baseline. What a plain leak is declared to grow by is a claim of its own: when it differs, only that claim fails,
and the drill still says what alerts and steps did about the leak that there was. An amount that is not declared is
measured.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.check import Case, Check
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.evidence.growth import HIGH, LEAST_SAMPLES, Growth, counted, growth_per_request
from leakdrill.judging.evidence.resource_series import read_series, resource_series
from leakdrill.judging.evidence.statistics import Interval
from leakdrill.judging.evidence.windows import Span, leak_span
from leakdrill.record.events import LeakSwitchOn
from leakdrill.record.verdict import Outcome
from leakdrill.resources import RESOURCES, Resource
from leakdrill.scenario.expectations import MARGINS, CpuBaseline
from leakdrill.units import show_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leakdrill.record.history import History, Series
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.leaks import Leak
    from leakdrill.scenario.scenario import Scenario

_LEAST_SHARE: Final = 0.5
_MOST_SHARE: Final = 2.0
_LONGER: Final = "let `phases.load` last longer, or raise `load.rate`"


def leak_grows_as_declared(history: History, *, leak: Leak, scenario: Scenario) -> Verdict:
    """Whether `leak` grew its resource by what it declares, per request or as a peak, within a factor of two.

    Leaks of one resource cannot be told apart, so the sum of all of `scenario` that grow the same one is judged. Where
    one of them declares no amount, the growth is measured, and PASS when it is plain. UNKNOWN when it grew by less than
    declared and is not plain: the drill then proves nothing about alerts and steps.
    """
    claim, leaks = Claim("leak_grows_as_declared", leak.name), scenario.leaks
    span = leak_span(history, leak.name)
    if span is None:
        return _never_on(history, leak, claim)
    if leak.peak is not None:
        return _judge_peak(history, claim, leak, leaks, span)
    growth = _growth(history, leak, span)
    if isinstance(growth, str):
        return claim.unknown(f"whether {leak.name} leaked cannot be told: {growth}", hint=_LONGER)
    plain = _is_plain(history, scenario, leak, growth)
    same = [one for one in leaks if one.resource == leak.resource]
    if any(one.is_measured for one in same):
        return _judge_measured(claim, leak, growth, plain=plain)
    return _judge_growth(claim, leak, growth, sum(one.per_request or 0.0 for one in same), plain=plain)


def leaks_show(history: History, scenario: Scenario) -> bool:
    """Whether every leak grew as declared, or by more, or plainly."""
    return all(_shows(history, scenario, leak) for leak in scenario.leaks)


def _shows(history: History, scenario: Scenario, leak: Leak) -> bool:
    if leak_grows_as_declared(history, leak=leak, scenario=scenario).outcome is not Outcome.UNKNOWN:
        return True
    span = leak_span(history, leak.name)
    growth = _growth(history, leak, span) if span and leak.peak is None else ""
    return not isinstance(growth, str) and _is_plain(history, scenario, leak, growth)


def _never_on(history: History, leak: Leak, claim: Claim) -> Verdict:
    tries = [act for act in history.acts(LeakSwitchOn) if act.begin.leak == leak.name]
    reason = f": {tries[0].reason}" if tries else ""
    return claim.unknown(
        f"{leak.name} was never switched on{reason}: this drill proves nothing",
        events=[act.begin.index for act in tries],
        hint="look at the target's log; `leaks[].switch` says how the leak is switched on",
    )


def _growth(history: History, leak: Leak, span: Span) -> Growth | str:
    grown = _used_growth if RESOURCES[leak.resource].is_rate else _kept_growth
    return grown(history, leak, span)


def _is_plain(history: History, scenario: Scenario, leak: Leak, growth: Growth) -> bool:
    """Whether `growth` is surely more than a healthy service may show, and than this one showed in its baseline."""
    baseline, read = history.phase("baseline"), read_series if RESOURCES[leak.resource].is_rate else resource_series
    before = growth_per_request(read(history, leak.resource), Span(*baseline)) if baseline else ""
    if isinstance(before, str):
        return False
    margin = scenario.margin(leak.resource) or MARGINS[leak.resource]
    if isinstance(margin, CpuBaseline):  # of which `growth` is already what goes beyond the baseline
        return growth.per_request.low > margin.level * before.per_request.estimate
    return growth.per_request.low > max(margin.slope, before.per_request.high)


def _kept_growth(history: History, leak: Leak, span: Span) -> Growth | str:
    return growth_per_request(resource_series(history, leak.resource), span)


def _used_growth(history: History, leak: Leak, span: Span) -> Growth | str:
    """CPU seconds per request while the leak is on, less those in the baseline."""
    baseline = history.phase("baseline")
    if baseline is None:
        return "there is no baseline"
    before = growth_per_request(read_series(history, leak.resource), Span(*baseline))
    leaking = growth_per_request(read_series(history, leak.resource), span)
    if isinstance(before, str):
        return f"in the baseline {before}"
    if isinstance(leaking, str):
        return leaking
    a, b = before.per_request, leaking.per_request
    more = Interval(b.estimate - a.estimate, b.low - a.high, b.high - a.low)
    return Growth(more, leaking.requests, span, (*before.events, *leaking.events))


def _judge_peak(history: History, claim: Claim, leak: Leak, leaks: Sequence[Leak], span: Span) -> Verdict:
    series, baseline = resource_series(history, leak.resource), history.phase("baseline")
    base = series.between(*baseline) if baseline else series.between(0.0, -1.0)
    leaking = series.between(span.start_s, span.end_s)
    if min(len(base), len(leaking)) < LEAST_SAMPLES:
        readings = f"only {show_count(len(base), 'sample')} in the baseline and {len(leaking)} while it was on"
        return claim.unknown(f"whether {leak.name} leaked cannot be told: {readings}", hint=_LONGER)
    measure, declared = RESOURCES[leak.resource], _declared_height(leak, leaks, leaking)
    level, high = float(np.median(base.values)), float(np.quantile(leaking.values, HIGH))
    numbers = {
        f"baseline_{measure.unit}": level,
        f"peak_{measure.unit}": high,
        f"declared_peak_{measure.unit}": declared,
        "window_s": span.length_s,
    }
    summary = (
        f"{leak.resource} stood {measure.show(high - level)} above {measure.its} baseline of {measure.show(level)} "
        f"while {leak.name} was on (95th percentile); declared: {measure.show(declared)}"
    )
    events = (leaking.indices[0], leaking.indices[-1])
    if high - level < _LEAST_SHARE * declared:
        return _did_not_leak(claim, leak, summary, numbers, events)
    if high - level > _MOST_SHARE * declared and not any(
        one.is_measured for one in leaks if one.resource == leak.resource
    ):
        return claim.fails(summary, numbers=numbers, events=events, hint="correct `peak`, or look for a second leak")
    return claim.holds(summary, numbers=numbers, events=events)


def _declared_height(leak: Leak, leaks: Sequence[Leak], leaking: Series) -> float:
    """The expected distance of the resource above the baseline with all its leaks: peaks, and what the others keep."""
    same = [one for one in leaks if one.resource == leak.resource]
    kept = sum(one.per_request or 0.0 for one in same) if not RESOURCES[leak.resource].is_rate else 0.0
    known = counted(leaking).requests
    requests = float(known[-1] - known[0]) if len(known) else 0.0
    return sum(one.peak or 0.0 for one in same) + kept * requests


def _did_not_leak(
    claim: Claim, leak: Leak, summary: str, numbers: dict[str, float], events: tuple[int, ...]
) -> Verdict:
    return claim.unknown(
        f"the leak did not leak: {summary}; this drill proves nothing",
        numbers=numbers,
        events=events,
        hint=f"is {leak.name} really switched on, and do the requests of the locustfile reach it?",
    )


def _judge_measured(claim: Claim, leak: Leak, growth: Growth, *, plain: bool) -> Verdict:
    measure = RESOURCES[leak.resource]
    numbers, summary = _numbers(measure, growth, None), _summary(measure, growth, "none, so it is measured")
    if plain:
        return claim.holds(summary, numbers=numbers, events=growth.events)
    return claim.unknown(
        f"{summary}: that is not surely more than a healthy service shows, so this drill proves nothing",
        numbers=numbers,
        events=growth.events,
        hint=f"is {leak.name} really switched on, and do the requests of the locustfile reach it? Else {_LONGER}",
    )


def _judge_growth(claim: Claim, leak: Leak, growth: Growth, declared: float, *, plain: bool) -> Verdict:
    rate, measure = growth.per_request, RESOURCES[leak.resource]
    numbers = _numbers(measure, growth, declared)
    summary = _summary(measure, growth, measure.show_per_request(declared))
    if rate.high < _LEAST_SHARE * declared and not plain:
        return _did_not_leak(claim, leak, summary, numbers, growth.events)
    if rate.low > _MOST_SHARE * declared:
        return claim.fails(
            summary,
            numbers=numbers,
            events=growth.events,
            hint="correct `per_request`, or look for a second leak",
        )
    if rate.high < _LEAST_SHARE * declared:
        return claim.fails(
            f"{summary}; it leaks, but by less than half of what is declared",
            numbers=numbers,
            events=growth.events,
            hint="correct `per_request`, or leave it out to have it measured; does every request reach the leak?",
        )
    if rate.low < _LEAST_SHARE * declared or rate.high > _MOST_SHARE * declared:
        return claim.unknown(
            f"{summary}: too uncertain to say that it is within a factor of two",
            numbers=numbers,
            events=growth.events,
            hint=_LONGER,
        )
    return claim.holds(summary, numbers=numbers, events=growth.events)


def _numbers(measure: Resource, growth: Growth, declared: float | None) -> dict[str, float]:
    unit, rate = measure.per_request_unit, growth.per_request
    return {
        f"{unit}_per_request": rate.estimate,
        f"{unit}_per_request_low": rate.low,
        f"{unit}_per_request_high": rate.high,
        **({} if declared is None else {f"declared_{unit}_per_request": declared}),
        "requests": growth.requests,
        "window_s": growth.span.length_s,
    }


def _summary(measure: Resource, growth: Growth, declared: str) -> str:
    show, rate = measure.show_per_request, growth.per_request
    did = "each request used" if measure.is_rate else f"{measure.name} grew by"
    more = " of CPU more than in the baseline" if measure.is_rate else " per request"
    return (
        f"{did} {show(rate.estimate)}{more} (95 % interval {show(rate.low)} to {show(rate.high)}) "
        f"over {show_count(growth.requests, 'request')}; declared: {declared}"
    )


def _cases(history: History, scenario: Scenario) -> Iterator[Case]:
    for leak in scenario.leaks:
        judge = partial(leak_grows_as_declared, history, leak=leak, scenario=scenario)
        yield Case(Claim("leak_grows_as_declared", leak.name), judge)


LEAK_GROWS: Final = Check(
    {
        "leak_grows_as_declared": "Each leak grew its resource by what it declares, within a factor of two; "
        "where it declares nothing, by surely more than a healthy service shows."
    },
    _cases,
)
