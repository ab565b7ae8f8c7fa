"""The verdict on a measured function, in words of calls."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from leakdrill.judging.leak.growth_kind import Kind, describe, live
from leakdrill.judging.leak.quiescent_points import points
from leakdrill.judging.leak.sentences import LOOK
from leakdrill.judging.leak.verdict import LeakOutcome, LeakVerdict, judge_trace

if TYPE_CHECKING:
    from leakdrill.judging.leak.growth_kind import Live
    from leakdrill.judging.leak.trace import Trace
    from leakdrill.pytest_plugin.cache_fill import CacheFill
    from leakdrill.pytest_plugin.growth_sources import GrowthSources
    from leakdrill.pytest_plugin.measure import Measured

_REQUEST: Final = re.compile(r"\brequest(s?)\b")
_LONGER: Final = "measure longer: leak_gate(…, seconds={seconds:.0f}), or --leak-seconds {seconds:.0f} for all"
_CONFIDENCE: Final = 0.99
_COUNTED: Final = "bytes in use"
_LEAST_TIMES: Final = 3.0
_MOST_TIMES: Final = 20.0
_FILLED: Final = "fill it first, or cache less under test: patch the bound to one that {calls} calls reach"


def judge(measured: Measured, *, budget: float, longest_ttl_s: float = 0.0) -> LeakVerdict:
    """LEAK, CLEAN or UNKNOWN; the unit is bytes per call.

    Growth beside an `lru_cache` that was still filling is UNKNOWN, however straight: it ends by itself when the cache
    is full, or it does not, and what was measured cannot tell.
    """
    found = judge_trace(_evenly(measured.trace), budget_bytes_per_request=budget, longest_ttl_s=longest_ttl_s)
    filling = next((fill for fill in measured.fills if fill.explains_growth), None)
    if found.word is LeakOutcome.LEAK and filling is not None:
        return _still_filling(found, filling)
    counted = live(points(measured.trace), _CONFIDENCE)
    if (
        found.word is not LeakOutcome.UNKNOWN
        and counted is not None
        and counted.malloc.low > max(0.0, found.growth.high)
    ):
        return _into_free_space(found, counted)
    hint = _longer(found, measured) if found.word is LeakOutcome.UNKNOWN else _in_calls(found.hint)
    return replace(found, message=_in_calls(found.message), hint=hint)


def _still_filling(found: LeakVerdict, fill: CacheFill) -> LeakVerdict:
    growth = found.growth
    message = (
        f"memory grows by {growth.per_request:.1f} B ({growth.low:.1f} to {growth.high:.1f}) a call, but a bounded "
        f"cache was still filling ({fill})"
    )
    hint = _FILLED.format(calls=round(found.judged_requests))
    if fill.calls_until_full:
        hint += f"; at this rate {fill.calls_until_full} more calls fill it"
    return replace(found, word=LeakOutcome.UNKNOWN, kind=Kind.FILLING, message=message, hint=hint)


def _into_free_space(found: LeakVerdict, counted: Live) -> LeakVerdict:
    """Growth that only the allocators see as yet: resident memory grows when the space that was free is used up."""
    more = counted.malloc
    against = "above" if found.word is LeakOutcome.LEAK else "within"
    message = _in_calls(
        f"what is in use grows by {more.per_request:.1f} B ({more.low:.1f} to {more.high:.1f}) a call, {against} the "
        f"budget of {found.budget:.4g} B ({describe(found.kind, counted)}); resident memory by "
        f"{found.growth.per_request:.1f} B, as it first fills space that was free"
    )
    return replace(found, growth=more, column=_COUNTED, message=message, hint=_in_calls(found.hint))


def refine(found: LeakVerdict, grew: GrowthSources) -> LeakVerdict:
    """The same, where malloc's growth turned out to be Python's: objects above 512 bytes come from malloc as well."""
    if found.kind is not Kind.NATIVE or grew.traced_bytes < found.growth.per_request / 2:
        return found
    message = found.message.replace(str(Kind.NATIVE), "large Python objects")
    return replace(found, kind=Kind.LIVE_OBJECTS, message=message, hint=_in_calls(LOOK[Kind.LIVE_OBJECTS]))


def _evenly(trace: Trace) -> Trace:
    """The trace as if all calls had taken equally long: one after the other, none can hold what follows a rate."""
    return replace(trace, t=trace.t[-1] * trace.requests / trace.requests[-1])


def _longer(found: LeakVerdict, measured: Measured) -> str:
    """How much longer: with a fixed number of slots, an interval around nothing narrows as calls grow."""
    growth = found.growth
    uncertain = growth.points > 0 and growth.low <= 0
    times = 1.5 * max(growth.high, -growth.low) / found.budget if uncertain else 0.0
    seconds = min(max(times, _LEAST_TIMES), _MOST_TIMES) * measured.took_s
    smaller = "; or gate a smaller part of it, so that more calls fit" if times > _MOST_TIMES else ""
    return _LONGER.format(seconds=-(-seconds // 1)) + smaller


def _in_calls(text: str) -> str:
    return _REQUEST.sub(r"call\1", text)
