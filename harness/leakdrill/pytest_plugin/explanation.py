"""The text of a failed gate: how much, of what kind, from where, how it was measured, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.judging.leak.growth_kind import Kind
from leakdrill.judging.leak.verdict import LeakOutcome
from leakdrill.reports.escape import printable
from leakdrill.units import show_duration, show_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.judging.leak.verdict import LeakVerdict
    from leakdrill.pytest_plugin.growth_sources import GrowthSources, Site
    from leakdrill.pytest_plugin.measure import Measured

_WHOLE: Final = 0.02
"""Counts a call that are this near to an integer are one."""

_FEW_TYPES: Final = 0.05


def explain(verdict: LeakVerdict, measured: Measured, grew: GrowthSources | None) -> str:
    """Several lines; the first is the sentence of the verdict."""
    lines = [f"{verdict.word}: {measured.trace.name}: {printable(verdict.message)}"]
    lines += [f"  cache      {fill}" for fill in measured.fills]
    if grew is not None:
        lines += _left_behind(grew, verdict)
    lines.append(f"  measured   {_measured(verdict, measured)}")
    lines.append(f"  what to do {_advice(verdict, grew)}")
    return "\n".join(lines)


def _left_behind(grew: GrowthSources, verdict: LeakVerdict) -> Iterator[str]:
    for name, number in grew.types.items():
        yield f"  objects    {_count(number)} {printable(name)} a call"
    for site in grew.sites:
        yield f"  allocated  {_site(site)}"
    if not grew.sites and verdict.word is LeakOutcome.LEAK:
        yield f"  allocated  {_nowhere(grew, verdict)}"
    for noun, number in (("thread", grew.threads), ("file descriptor", grew.descriptors)):
        if number >= _FEW_TYPES:
            yield f"  also       {_count(number)} {noun} a call"


def _nowhere(grew: GrowthSources, verdict: LeakVerdict) -> str:
    if _through_malloc(grew, verdict):
        return f"through malloc, {grew.malloc_bytes:.0f} B a call, and not by Python: tracemalloc does not see it"
    return f"by none of {grew.calls} calls that were watched: it happens more seldom, or outside of malloc"


def _seen(grew: GrowthSources, verdict: LeakVerdict) -> bool:
    return bool(grew.types or grew.sites) or _through_malloc(grew, verdict)


def _through_malloc(grew: GrowthSources, verdict: LeakVerdict) -> bool:
    return grew.malloc_bytes >= verdict.growth.per_request / 2


def _count(number: float) -> str:
    """`1`, where it is an integer but for chance; else two figures."""
    whole = round(number)
    return f"{whole} more" if whole and abs(number - whole) <= _WHOLE * whole else f"{number:.2g} more"


def _site(site: Site) -> str:
    return f"{printable(site.place)}: {site.bytes_a_call:.0f} B in {_count(site.blocks_a_call)} allocations a call"


def _measured(verdict: LeakVerdict, measured: Measured) -> str:
    slots = len(measured.trace) - 1
    return (
        f"{slots} slots of {measured.slot_calls} calls in {show_duration(float(measured.trace.t[-1]))} after "
        f"{measured.warmup_calls} calls of warm-up; {verdict.column} at {show_size(verdict.level_bytes)}; "
        f"99 % interval {_ends(verdict)}"
    )


def _ends(verdict: LeakVerdict) -> str:
    if not verdict.growth.points:
        return "without ends"
    return f"{verdict.growth.low:.1f} to {verdict.growth.high:.1f} B a call"


def _advice(verdict: LeakVerdict, grew: GrowthSources | None) -> str:
    if verdict.word is LeakOutcome.LEAK and verdict.kind is Kind.LIVE_OBJECTS and grew is not None and grew.types:
        first = printable(next(iter(grew.types)))
        return f"find what holds the {first}: print gc.get_referrers() of one that an earlier call left behind"
    if (
        verdict.word is LeakOutcome.LEAK
        and grew is not None
        and not (grew.types or grew.sites or _through_malloc(grew, verdict))
    ):
        return "gate it with arguments that leave something behind each time: then its type and place can be named"
    return printable(verdict.hint)
