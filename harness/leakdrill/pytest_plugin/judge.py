"""Judges a measured function; its verdict speaks of calls in place of requests."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.leak.decision_rules import DEFAULT_BUDGET
from leakdrill.judging.leak.growth_kind import Kind, describe, live
from leakdrill.judging.leak.leak_verdict import LeakOutcome, LeakVerdict, judge_trace
from leakdrill.judging.leak.quiescent_points import points
from leakdrill.judging.leak.sentences import LOOK
from leakdrill.units import show_count

if TYPE_CHECKING:
    from leakdrill.judging.leak.growth_kind import Live
    from leakdrill.judging.leak.trace import Trace
    from leakdrill.pytest_plugin.cache_fill import CacheFill
    from leakdrill.pytest_plugin.growth_sources import GrowthSources
    from leakdrill.pytest_plugin.measure import Measurement

_REQUEST: Final = re.compile(r"\brequest(s?)\b")
_LONGER: Final = "measure longer: leak_gate(…, seconds={seconds:.0f}), or --leak-seconds {seconds:.0f} for all"
_CONFIDENCE: Final = 0.99
_COUNTED: Final = "bytes in use"
_LEAST_TIMES: Final = 3.0
_MOST_TIMES: Final = 20.0
_LEAST_A_CALL: Final = 6.0
"""Less than a pointer; an event loop that makes tasks was seen to keep 2 B a call for a while."""

_FEWEST_RISES: Final = 2
_MOST_FALLEN: Final = 0.1
_FILLED: Final = "fill it first, or cache less under test: patch the bound to one that {calls} calls reach"


def judge_by_default(measurement: Measurement, *, longest_ttl_s: float = 0.0) -> LeakVerdict:
    """Returns the verdict where nobody has set a budget: growth below the default is a leak, too, when it is exact.

    The default leaves room for what cannot be resolved, and not for an object that every call leaves behind. So growth
    that the allocators count to the byte, again and again, is a LEAK however small it is.
    """
    verdict = judge(measurement, budget=DEFAULT_BUDGET, longest_ttl_s=longest_ttl_s)
    if verdict.outcome is not LeakOutcome.CLEAN or not _steadily(measurement.trace, verdict):
        return verdict
    if any(fill.explains_growth for fill in measurement.fills):
        return verdict
    more = verdict.in_use or verdict.growth
    return replace(
        verdict,
        outcome=LeakOutcome.LEAK,
        growth=more,
        column=_COUNTED,
        message=(
            f"what is in use grows by {more.per_request:.1f} B ({more.low:.1f} to {more.high:.1f}) a call, little but "
            f"with every slot ({verdict.kind})"
        ),
        hint=f'{_in_calls(LOOK[verdict.kind])}; if it is intended, leak_gate(…, budget="{DEFAULT_BUDGET:.0f}B")',
    )


def _steadily(trace: Trace, verdict: LeakVerdict) -> bool:
    """Whether what is in use rises again and again, hardly falls, and goes on: a list grows by an eighth at a time.

    A table that doubles rises once or twice, and what fills up rises less in the second half.
    """
    counted = trace.columns.get("live")
    growth = verdict.in_use
    if counted is None or growth is None or growth.low <= 0 or growth.per_request < _LEAST_A_CALL:
        return False
    changes = np.diff(counted) / np.maximum(np.diff(trace.requests), 1.0)
    first, second = np.array_split(changes, 2)
    often = min(np.count_nonzero(part >= _LEAST_A_CALL) for part in (first, second)) >= _FEWEST_RISES
    fallen = -changes[changes < 0].sum() > _MOST_FALLEN * changes[changes > 0].sum()
    return bool(often and not fallen and second.mean() >= first.mean() / 2)


def judge(measurement: Measurement, *, budget: float, longest_ttl_s: float = 0.0) -> LeakVerdict:
    """Returns LEAK, CLEAN or UNKNOWN; the unit is bytes per call.

    Growth beside an `lru_cache` that was still filling is UNKNOWN, however straight: it ends by itself when the cache
    is full, or it does not, and the measurement cannot tell.
    """
    verdict = judge_trace(_evenly(measurement.trace), budget_bytes_per_request=budget, longest_ttl_s=longest_ttl_s)
    filling = next((fill for fill in measurement.fills if fill.explains_growth), None)
    if verdict.outcome is LeakOutcome.LEAK and filling is not None:
        return _still_filling(verdict, filling)
    counted = live(points(measurement.trace), _CONFIDENCE)
    if (
        verdict.outcome is not LeakOutcome.UNKNOWN
        and counted is not None
        and counted.malloc.low > max(0.0, verdict.growth.high)
    ):
        return _into_free_space(verdict, counted)
    hint = _longer(verdict, measurement) if verdict.outcome is LeakOutcome.UNKNOWN else _in_calls(verdict.hint)
    return replace(verdict, message=_in_calls(verdict.message), hint=hint)


def without_collector(verdict: LeakVerdict) -> LeakVerdict:
    """Returns UNKNOWN: at rest the gate collects garbage itself, which nobody does once the function is used."""
    return replace(
        verdict,
        outcome=LeakOutcome.UNKNOWN,
        message=f"the function leaves garbage collection switched off, and only the gate collected; {verdict.message}",
        hint="have it switch the collector on again, or gate what it does without that",
    )


def _still_filling(verdict: LeakVerdict, fill: CacheFill) -> LeakVerdict:
    growth = verdict.growth
    message = (
        f"memory grows by {growth.per_request:.1f} B ({growth.low:.1f} to {growth.high:.1f}) a call, but a bounded "
        f"cache was still filling ({fill})"
    )
    hint = _FILLED.format(calls=round(verdict.judged_requests))
    if fill.calls_until_full:
        hint += f"; at this rate {show_count(fill.calls_until_full, 'more call fills', 'more calls fill')} it"
    return replace(verdict, outcome=LeakOutcome.UNKNOWN, kind=Kind.FILLING, message=message, hint=hint)


def _into_free_space(verdict: LeakVerdict, counted: Live) -> LeakVerdict:
    """Returns the verdict on growth that only the allocators show: resident memory grows once free space is used up."""
    more = counted.malloc
    against = "above" if verdict.outcome is LeakOutcome.LEAK else "within"
    message = _in_calls(
        f"what is in use grows by {more.per_request:.1f} B ({more.low:.1f} to {more.high:.1f}) a call, {against} the "
        f"budget of {verdict.budget:.4g} B ({describe(verdict.kind, counted)}); resident memory by "
        f"{verdict.growth.per_request:.1f} B, as it first fills space that was free"
    )
    return replace(verdict, growth=more, column=_COUNTED, message=message, hint=_in_calls(verdict.hint))


def refine(verdict: LeakVerdict, sources: GrowthSources) -> LeakVerdict:
    """Returns the verdict with malloc's growth attributed to Python where due: large objects come from malloc, too."""
    if verdict.kind is not Kind.NATIVE or sources.traced_bytes < verdict.growth.per_request / 2:
        return verdict
    message = verdict.message.replace(str(Kind.NATIVE), "large Python objects")
    return replace(verdict, kind=Kind.LIVE_OBJECTS, message=message, hint=_in_calls(LOOK[Kind.LIVE_OBJECTS]))


def _evenly(trace: Trace) -> Trace:
    """Returns the trace as if all calls took equally long: called one by one, none can hold what a rate decides."""
    return replace(trace, t=trace.t[-1] * trace.requests / trace.requests[-1])


def _longer(verdict: LeakVerdict, measurement: Measurement) -> str:
    """Returns the hint to measure longer: with a fixed number of slots, an interval around 0 narrows with calls."""
    growth = verdict.growth
    uncertain = growth.points > 0 and growth.low <= 0
    times = 1.5 * max(growth.high, -growth.low) / verdict.budget if uncertain else 0.0
    seconds = min(max(times, _LEAST_TIMES), _MOST_TIMES) * measurement.took_s
    smaller = "; or gate a smaller part of it, so that more calls fit" if times > _MOST_TIMES else ""
    return _LONGER.format(seconds=-(-seconds // 1)) + smaller


def _in_calls(text: str) -> str:
    return _REQUEST.sub(r"call\1", text)
