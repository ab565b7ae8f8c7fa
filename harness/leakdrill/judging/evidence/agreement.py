"""Whether what was measured twice agrees: the control group with the processes, and the load with the service."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.doubt import HOST_RESOURCES, REQUESTS, Doubt
from leakdrill.judging.evidence.lives import changing
from leakdrill.judging.evidence.readings import without_huge_pages
from leakdrill.judging.evidence.windows import Span, watched_until_s
from leakdrill.record.events import CgroupResources, ProcessSmaps, ProcessTree, ServiceMetrics
from leakdrill.units import show_count, show_duration, show_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.record.history import History, Series
    from leakdrill.scenario.scenario import Scenario

    Floats = np.typing.NDArray[np.float64]

_MIB: Final = 1024**2
_BESIDE_S: Final = 1.1
"""How far apart two meters may read what they are compared by."""
_APART_BYTES: Final = 8 * _MIB
_APART_SHARE: Final = 0.1
_IN_A_ROW: Final = 3
"""Disagreement of fewer readings one after the other may be a moment between two of them."""
_FROZEN_S: Final = 2.0
_FROZEN_READINGS: Final = 5
_FROZEN_REQUESTS: Final = 20
_FROZEN_CPU_S: Final = 0.05
"""CPU time that the requests of a frozen stretch must have taken at the record's own rate: the clock ticks in 10 ms."""
_CPU_SHARE: Final = 0.2
_CPU_S: Final = 0.5
_MORE_CPU_SHARE: Final = 0.5
"""Processes that come and go between two readings, such as what a step runs, count in the control group only."""


@dataclass(frozen=True, slots=True)
class _Bounded:
    """A series that another bounds, from both sides or from one."""

    what: str
    beside: str
    series: Series
    low: Floats
    high: Floats


def agreement_doubts(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Contradictions between two meters of one thing, and meters that stand still while the service works."""
    baseline = history.phase("baseline")
    if baseline is None:
        return
    with np.errstate(invalid="ignore"):  # readings that are no numbers are another search's
        found = list(_all(history, Span(baseline[0], watched_until_s(history)), changing(history, scenario)))
    yield from found


def _all(history: History, span: Span, unsettled: list[Span]) -> Iterator[Doubt]:
    for bounded in _memory(history, span):
        yield from _contradictions(bounded, unsettled)
    yield from _kernel_memory(history, span, unsettled)
    yield from _cpu(history, span, unsettled)
    for event_class in (CgroupResources, ProcessTree):
        yield from _frozen(history.series(event_class, "cpu_seconds").between(span.start_s, span.end_s), unsettled)


def _memory(history: History, span: Span) -> Iterator[_Bounded]:
    """Memory of the processes by each of its meters, and what the others say it must lie between."""
    group = history.series(CgroupResources, "anon_bytes")
    tree = without_huge_pages(history, ProcessTree, "rss_bytes")
    anon, unique = (
        without_huge_pages(history, ProcessSmaps, name).between(span.start_s, span.end_s)
        for name in ("anon_bytes", "uss_bytes")
    )
    if len(group) and len(anon) and len(anon) == len(unique):
        low, high = _range(group, anon.t)
        least = np.minimum(anon.values, unique.values)
        yield _Bounded("the processes' anonymous memory", "the control group's", anon, low, np.full(len(anon), np.inf))
        lowered = type(anon)(t=anon.t, values=least, requests=anon.requests, indices=anon.indices)
        yield _Bounded("the processes' anonymous memory", "the control group's", lowered, np.zeros(len(anon)), high)
    if len(tree) and len(anon):
        _, high = _range(tree, anon.t)
        yield _Bounded("the processes' anonymous memory", "what is resident of them", anon, np.zeros(len(anon)), high)
    yield from _by_itself(history, span, tree)


def _by_itself(history: History, span: Span, tree: Series) -> Iterator[_Bounded]:
    """The resident memory that the service tells of itself, where it is one process."""
    processes = history.series(ProcessTree, "processes").values
    own = history.series(ServiceMetrics, "process_resident_memory_bytes").between(span.start_s, span.end_s)
    if len(own) and len(processes) and processes.max() == 1:
        yield _Bounded("the service's own resident memory", "that of its process", own, *_range(tree, own.t))


def _range(series: Series, times: Floats) -> tuple[Floats, Floats]:
    """The least and the most of `series` around each of `times`; unbounded where there is no reading."""
    low, high = np.zeros(len(times)), np.full(len(times), np.inf)
    for place, t in enumerate(times):
        near = series.values[(series.t >= t - _BESIDE_S) & (series.t <= t + _BESIDE_S)]
        if len(near):
            low[place], high[place] = near.min(), near.max()
    return low, high


def _contradictions(bounded: _Bounded, unsettled: list[Span]) -> Iterator[Doubt]:
    values, apart = bounded.series.values, _APART_BYTES + _APART_SHARE * bounded.series.values
    wrong = (values < bounded.low - apart) | (values > bounded.high + apart)
    wrong &= ~_inside(bounded.series.t, unsettled)
    first = _first_row(wrong, _IN_A_ROW)
    if first is not None:
        other = bounded.low[first] if values[first] < bounded.low[first] else bounded.high[first]
        text = (
            f"{bounded.what} was {show_size(float(values[first]))} at {show_duration(float(bounded.series.t[first]))}, "
            f"and {bounded.beside} {show_size(float(other))}"
        )
        yield Doubt(text, (bounded.series.indices[first],), frozenset({"memory"}))


def _inside(times: Floats, spans: list[Span], margin_s: float = _BESIDE_S) -> np.typing.NDArray[np.bool_]:
    inside = np.zeros(len(times), dtype=bool)
    for span in spans:
        inside |= (times >= span.start_s - margin_s) & (times <= span.end_s + margin_s)
    return inside


def _first_row(wrong: np.typing.NDArray[np.bool_], length: int) -> int | None:
    """The start of the first `length` neighbours that are all wrong."""
    start = 0
    for is_wrong, group in groupby(wrong.tolist()):
        count = len(list(group))
        if is_wrong and count >= length:
            return start
        start += count
    return None


def _kernel_memory(history: History, span: Span, unsettled: list[Span]) -> Iterator[Doubt]:
    """Memory in use that is neither anonymous nor page cache, where it was not so in the baseline: tick by tick."""
    usage, anon, cache = (
        history.series(CgroupResources, name).between(span.start_s, span.end_s)
        for name in ("usage_bytes", "anon_bytes", "cache_bytes")
    )
    baseline = history.phase("baseline")
    if baseline is None or not len(usage) or not usage.indices == anon.indices == cache.indices:
        return
    rest = usage.values - anon.values - cache.values
    usual = float(np.median(rest[usage.t <= baseline[1]]))
    wrong = np.abs(rest - usual) > 4 * _APART_BYTES + _APART_SHARE * usage.values
    wrong &= ~_inside(usage.t, unsettled)
    first = _first_row(wrong, _IN_A_ROW)
    if first is not None:
        text = (
            f"the control group used {show_size(float(usage.values[first]))} at "
            f"{show_duration(float(usage.t[first]))}, of which it names {show_size(float(anon.values[first]))} as "
            f"anonymous and {show_size(float(cache.values[first]))} as page cache"
        )
        yield Doubt(text, (usage.indices[first],), frozenset({"memory"}))


def _cpu(history: History, span: Span, unsettled: list[Span]) -> Iterator[Doubt]:
    """CPU time of the control group against that of its processes, phase by phase."""
    group, tree = (history.series(kind, "cpu_seconds") for kind in (CgroupResources, ProcessTree))
    for name in ("baseline", "load", "recover"):
        bounds = history.phase(name)
        if bounds is None or any(one.overlaps(Span(*bounds)) for one in unsettled):
            continue
        parts = [one.between(bounds[0], min(bounds[1], span.end_s)) for one in (group, tree)]
        if min(len(part) for part in parts) < _FROZEN_READINGS:
            continue
        ours, theirs = (float(part.values[-1] - part.values[0]) for part in parts)
        if theirs > ours * (1 + _CPU_SHARE) + _CPU_S:
            text = f"in `{name}` the processes used {theirs:.1f} s of CPU, and their control group {ours:.1f} s"
            yield Doubt(text, (parts[0].indices[0], parts[0].indices[-1]), HOST_RESOURCES)
        count = history.series(ProcessTree, "processes").between(*bounds).values
        if count.min() == count.max() == 1 and ours > theirs * (1 + _MORE_CPU_SHARE) + 2 * _CPU_S:
            text = f"in `{name}` the control group used {ours:.1f} s of CPU, and its only process {theirs:.1f} s"
            yield Doubt(text, (parts[0].indices[0], parts[0].indices[-1]), HOST_RESOURCES)


def _frozen(cpu: Series, unsettled: list[Span]) -> Iterator[Doubt]:
    """A count of CPU time that stands still while requests are answered: the meter repeats itself."""
    if len(cpu) == 0:
        return
    per_request = _cpu_per_request(cpu)
    same = np.flatnonzero(np.diff(cpu.values) != 0).tolist()
    edges = [0, *(place + 1 for place in same), len(cpu)]
    for start, end in pairwise(edges):
        last = end - 1
        answered = cpu.requests[last] - cpu.requests[start]
        took_s = float(cpu.t[last] - cpu.t[start])
        long_enough = last - start >= _FROZEN_READINGS and took_s >= _FROZEN_S
        if not long_enough or not answered >= _FROZEN_REQUESTS or answered * per_request < _FROZEN_CPU_S:
            continue
        if not any(span.overlaps(Span(float(cpu.t[start]), float(cpu.t[last]))) for span in unsettled):
            text = (
                f"the same CPU time was read for {show_duration(took_s)} from {show_duration(float(cpu.t[start]))} on, "
                f"while {show_count(answered, 'request was', 'requests were')} answered"
            )
            yield Doubt(text, (cpu.indices[start], cpu.indices[last]), HOST_RESOURCES | {REQUESTS})
            return


def _cpu_per_request(cpu: Series) -> float:
    """CPU seconds that a request took over the whole series; infinite where the count never rose."""
    used, answered = cpu.values[-1] - cpu.values[0], cpu.requests[-1] - cpu.requests[0]
    return float(used / answered) if used > 0 and answered > 0 else math.inf
