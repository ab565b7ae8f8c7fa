"""Whether the kernel's count of a watched command's memory agrees with itself, and with what else was read. Pure."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.doubt import Doubt
from leakdrill.record.events import CgroupResources, ProcessPss, ProcessTree, WatchMemory
from leakdrill.units import show_duration, show_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leakdrill.judging.watch.memory_split import Attempt
    from leakdrill.record.event_class import Sample
    from leakdrill.record.events import WatchExited
    from leakdrill.record.history import History

_SAME: Final = 0.001
_APART: Final = 1.05
_APART_BYTES: Final = 16 << 20
"""Two meters read one after the other, and the kernel's statistics lag behind its counters."""
_PAGE: Final = 4096
_CLOCKS_APART_S: Final = 2.0
_USUAL_GAP_S: Final = 1.0
_MOST_MISSED: Final = 0.1
_PARTS: Final = ("anon_bytes", "shmem_bytes", "kernel_bytes", "hugetlb_bytes")
_ALWAYS: Final = ("memory_bytes", "low_bytes", "cache_bytes", *_PARTS, "swap_bytes", "clock_s")


def kernel_doubts(history: History, attempt: Attempt) -> Iterator[Doubt]:
    """What the kernel is said to have counted in `attempt`, and cannot have."""
    exited, lines = attempt.exited, [e for e in history.of(WatchMemory) if e.values and _within(e.t, attempt)]
    if exited is None or attempt.followed != "cgroup":
        return
    for line in lines:
        lacking = [name for name in _ALWAYS if name not in line.values]
        if lacking:
            text = f"the kernel's count at {show_duration(line.t)} lacks {' and '.join(lacking[:2])}"
            yield Doubt(text, (line.index,))
            return
    yield from _clock(lines)
    yield from _throughout(lines, attempt)
    yield from _peak(lines, exited)
    yield from _beyond_peak(history, lines, attempt, exited)
    yield from _one_process(history, attempt, exited)
    yield from _divided(history, lines, attempt)


def _within(t: float, attempt: Attempt) -> bool:
    return attempt.start_s <= t <= attempt.closed_s


def _clock(lines: Sequence[WatchMemory]) -> Iterator[Doubt]:
    """Its own clock runs backwards, or otherwise than that of the record."""
    for before, after in pairwise(lines):
        passed_s, since = (after.clock_s or 0.0) - (lines[0].clock_s or 0.0), after.t - lines[0].t
        if (after.clock_s or 0.0) < (before.clock_s or 0.0) or abs(passed_s - since) > _CLOCKS_APART_S:
            text = f"by its own clock the kernel's count was read {passed_s:.1f} s after the first"
            yield Doubt(f"{text}, and by the record's {since:.1f} s", (lines[0].index, after.index))
            return


def _throughout(lines: Sequence[WatchMemory], attempt: Attempt) -> Iterator[Doubt]:
    """Counts that are missing at the end, which is always read, or for much of the time."""
    if lines and attempt.exited and lines[-1].t < attempt.end_s:
        yield Doubt("the kernel's count of its memory was not read at its end", (lines[-1].index,))
    edges = [attempt.start_s, *(line.t for line in lines if line.t <= attempt.end_s), attempt.end_s]
    missed_s = sum(max(b - a - _USUAL_GAP_S, 0.0) for a, b in pairwise(edges))
    if missed_s > _MOST_MISSED * attempt.duration_s:
        yield Doubt(f"the kernel's count of its memory is missing for {show_duration(missed_s)}", ())


def _peak(lines: Sequence[WatchMemory], exited: WatchExited) -> Iterator[Doubt]:
    """A peak at the end that is not the highest of those before it."""
    low, high = exited.low_bytes or 0.0, exited.high_bytes
    if high is not None and high < low * (1 - _SAME):
        yield Doubt(f"the peak is at least {show_size(low)} and at most {show_size(high)}", (exited.index,))
    lows = [line.low_bytes or 0.0 for line in lines]
    if lows and abs(max(lows) - low) > _SAME * max(lows):
        text = (
            f"the peak is {show_size(low)} at the end, and the highest between two readings was {show_size(max(lows))}"
        )
        yield Doubt(text, (lines[lows.index(max(lows))].index, exited.index))
    highs = [line.high_bytes for line in lines]
    known = [size for size in highs if size is not None]
    if known and (high is not None) != (None not in highs):
        yield Doubt(
            "the upper bound of the peak is known at the end, or between two readings, and not both", (exited.index,)
        )
    elif known and high is not None and abs(max(known) - high) > _SAME * high:
        text = f"the peak is at most {show_size(high)} at the end, and was {show_size(max(known))} between two readings"
        yield Doubt(text, (exited.index,))


def _beyond_peak(
    history: History, lines: Sequence[WatchMemory], attempt: Attempt, exited: WatchExited
) -> Iterator[Doubt]:
    """A reading that is more than the kernel's peak, which nothing can be; what is swapped out counts apart."""
    high = math.inf if exited.high_bytes is None else max(exited.low_bytes or 0.0, exited.high_bytes)
    swap = [line for line in lines if (line.swap_bytes or 0.0) > (line.memory_bytes or 0.0) + _APART_BYTES]
    if swap:
        yield Doubt(f"more is swapped out at {show_duration(swap[0].t)} than there is", (swap[0].index,))
    readings = [(name, getattr(line, name) or 0.0, line.t, line.index) for line in lines for name in _PARTS]
    readings += [("memory_bytes", line.memory_bytes or 0.0, line.t, line.index) for line in lines]
    group = [event for event in history.of(CgroupResources) if _within(event.t, attempt)]
    readings += [("memory_bytes", event.memory_bytes or 0.0, event.t, event.index) for event in group]
    readings += [("anon_bytes", event.anon_bytes or 0.0, event.t, event.index) for event in group]
    shown = [event for event in history.of(ProcessPss) if _within(event.t, attempt) and not exited.unseen]
    readings += [("pss_bytes", event.pss_bytes or 0.0, event.t, event.index) for event in shown]
    readings += [("left_bytes", exited.left_bytes or 0.0, exited.t, exited.index)]
    most = math.inf if any(line.swap_bytes for line in lines) else high * _APART + _APART_BYTES
    for name, size, t, index in readings:
        if size > most:
            text = f"{name} was {show_size(size)} at {show_duration(t)}"
            yield Doubt(f"{text}, and the peak of all memory {show_size(high)}", (index, exited.index))
            return


def _one_process(history: History, attempt: Attempt, exited: WatchExited) -> Iterator[Doubt]:
    """A process that was larger than any became, by the kernel."""
    if exited.largest_process_bytes == 0:
        yield Doubt("the largest process of the command had no memory", (exited.index,))
    largest = exited.largest_process_bytes
    if exited.unseen or largest is None:  # it is not known of processes smaller than what started Leakdrill
        return
    read: list[tuple[float, Sample]] = [(e.rss_bytes or 0.0, e) for e in history.of(ProcessTree) if e.processes == 1]
    read += [(size, e) for e in history.of(ProcessPss) for key, size in e.others.items() if key.startswith("pid_")]
    for size, event in read:
        if _within(event.t, attempt) and size > largest * _APART + _APART_BYTES:
            text = f"one process held {show_size(size)} at {show_duration(event.t)}"
            yield Doubt(
                f"{text}, and none held more than {show_size(largest)} by the kernel", (event.index, exited.index)
            )
            return


def _divided(history: History, lines: Sequence[WatchMemory], attempt: Attempt) -> Iterator[Doubt]:
    """A division of less memory than the kernel had just counted, which is what is divided."""
    for event in history.of(ProcessPss):
        before = [line for line in lines if line.index < event.index]
        if not before or not _within(event.t, attempt):
            continue
        charged, divided = before[-1].memory_bytes or 0.0, (event.pss_bytes or 0.0) + (event.files_bytes or 0.0)
        divided += event.rest_bytes or 0.0
        if divided < charged * (1 - _SAME) - _PAGE:
            text = f"{show_size(divided)} were divided among the processes at {show_duration(event.t)}"
            yield Doubt(f"{text}, and the kernel had counted {show_size(charged)}", (before[-1].index, event.index))
            return
