"""The text of a failed gate: how much, of what kind, from where, how it was measured, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.judging.leak.growth_kind import Kind
from leakdrill.judging.leak.leak_verdict import LeakOutcome
from leakdrill.printable import printable
from leakdrill.units import show_count, show_duration, show_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.judging.leak.leak_verdict import LeakVerdict
    from leakdrill.pytest_plugin.growth_sources import GrowthSources, Site
    from leakdrill.pytest_plugin.measure import Measurement

_WHOLE: Final = 0.02
"""Counts a call that are this near to an integer are one."""

_FEW_TYPES: Final = 0.05


def explain(verdict: LeakVerdict, measurement: Measurement, sources: GrowthSources | None) -> str:
    """Returns several lines; the first is the sentence of the verdict."""
    lines = [f"{verdict.outcome}: {measurement.trace.name}: {printable(verdict.message)}"]
    lines += [f"  cache      {fill}" for fill in measurement.fills]
    if sources is not None:
        lines += _sources(sources, verdict)
    lines.append(f"  measured   {_extent(verdict, measurement)}")
    lines.append(f"  what to do {_advice(verdict, sources)}")
    return "\n".join(lines)


def _sources(sources: GrowthSources, verdict: LeakVerdict) -> Iterator[str]:
    for name, number in sources.types.items():
        yield f"  objects    {_count(number)} {printable(name)} a call"
    for holder in sources.holders:
        yield f"  held by    {printable(holder.name)}, a {holder.kind}: {_count(holder.more_a_call)} a call"
    for site in sources.sites:
        yield f"  allocated  {_site(site)}"
    if not sources.sites and verdict.outcome is LeakOutcome.LEAK:
        yield f"  allocated  {_without_site(sources, verdict)}"
    for noun, number in (("thread", sources.threads), ("file descriptor", sources.descriptors)):
        if number >= _FEW_TYPES:
            yield f"  also       {_count(number)} {noun} a call"


def _without_site(sources: GrowthSources, verdict: LeakVerdict) -> str:
    if not sources.watched:
        return "not looked for: too few calls fit into what was left of the time, or somebody else uses tracemalloc"
    if _through_malloc(sources, verdict):
        return f"through malloc, {sources.malloc_bytes:.0f} B a call, and not by Python: tracemalloc does not see it"
    return f"by none of {sources.calls} calls that were watched: it happens more seldom, or outside of malloc"


def _through_malloc(sources: GrowthSources, verdict: LeakVerdict) -> bool:
    return sources.malloc_bytes >= verdict.growth.per_request / 2


def _count(number: float) -> str:
    """Returns `1 more`, where it is an integer but for chance; else two figures."""
    whole = round(number)
    return f"{whole} more" if whole and abs(number - whole) <= _WHOLE * whole else f"{number:.2g} more"


def _site(site: Site) -> str:
    return f"{printable(site.place)}: {site.bytes_a_call:.0f} B in {_count(site.blocks_a_call)} allocations a call"


def _extent(verdict: LeakVerdict, measurement: Measurement) -> str:
    slots = len(measurement.trace) - 1
    return (
        f"{slots} slots of {measurement.slot_calls} calls in {show_duration(float(measurement.trace.t[-1]))} after "
        f"{show_count(measurement.warmup_calls, 'call')} of warm-up; {verdict.column} at "
        f"{show_size(verdict.level_bytes)}; "
        f"99 % interval {_interval(verdict)}"
    )


def _interval(verdict: LeakVerdict) -> str:
    if not verdict.growth.points:
        return "without ends"
    return f"{verdict.growth.low:.1f} to {verdict.growth.high:.1f} B a call"


def _advice(verdict: LeakVerdict, sources: GrowthSources | None) -> str:
    if (
        verdict.outcome is LeakOutcome.LEAK
        and verdict.kind is Kind.LIVE_OBJECTS
        and sources is not None
        and sources.types
    ):
        first = printable(next(iter(sources.types)))
        if sources.holders:
            return f"find what puts the {first} into {printable(sources.holders[0].name)}, and what should take it out"
        return f"find what holds the {first}: print gc.get_referrers() of one that an earlier call left behind"
    if (
        verdict.outcome is LeakOutcome.LEAK
        and sources is not None
        and not (sources.types or sources.sites or _through_malloc(sources, verdict))
    ):
        return "gate it with arguments that leave something behind each time: then its type and place can be named"
    return printable(verdict.hint)
