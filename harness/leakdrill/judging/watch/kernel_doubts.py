"""Whether the kernel's count of a watched command's memory agrees with itself, and with what else was read. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.doubt import Doubt
from leakdrill.record.events import CgroupResources, ProcessPss, ProcessTree, WatchMemory
from leakdrill.units import show_duration, show_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leakdrill.judging.watch.memory_split import Attempt
    from leakdrill.record.event_class import Sample
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
_COUNTED: Final = (*_PARTS, "memory_bytes")
_ALWAYS: Final = ("memory_bytes", "low_bytes", "cache_bytes", *_PARTS, "swap_bytes", "clock_s")


@dataclass(frozen=True, slots=True)
class _Count:
    """A reading of the kernel's count, with all of `_ALWAYS` in its values."""

    t: float
    index: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _End:
    """What the kernel had counted when the command ended; None where nobody can say.

    Attributes:
        is_whole: whether there were no processes but those that it counts.
    """

    low_bytes: float
    high_bytes: float | None
    left_bytes: float
    largest_bytes: float | None
    is_whole: bool
    t: float
    index: int


def kernel_doubts(history: History, attempt: Attempt) -> Iterator[Doubt]:
    """What the kernel is said to have counted in `attempt`, and cannot have."""
    end = _end(attempt)
    if end is None or attempt.followed != "cgroup":
        return
    counts = [_Count(e.t, e.index, e.values) for e in history.of(WatchMemory) if e.values and _within(e.t, attempt)]
    for count in counts:
        lacking = [name for name in _ALWAYS if name not in count.values]
        if lacking:
            text = f"the kernel's count at {show_duration(count.t)} lacks {' and '.join(lacking[:2])}"
            yield Doubt(text, (count.index,))
            return
    yield from _clock(counts)
    yield from _throughout(counts, attempt)
    yield from _peak(counts, end)
    yield from _beyond_peak(history, counts, attempt, end)
    yield from _one_process(history, attempt, end)
    yield from _divided(history, counts, attempt)


def _end(attempt: Attempt) -> _End | None:
    """The end of `attempt`; None where the record does not tell it whole, which is a doubt of its own."""
    exited = attempt.exited
    if exited is None or exited.low_bytes is None or exited.left_bytes is None:
        return None
    return _End(
        exited.low_bytes, exited.high_bytes, exited.left_bytes, exited.largest_process_bytes, not exited.unseen,
        exited.t, exited.index,
    )  # fmt: skip


def _within(t: float, attempt: Attempt) -> bool:
    return attempt.start_s <= t <= attempt.closed_s


def _clock(counts: Sequence[_Count]) -> Iterator[Doubt]:
    """Its own clock runs backwards, or otherwise than that of the record."""
    for before, after in pairwise(counts):
        clock_s, since_s = after.values["clock_s"], after.t - counts[0].t
        passed_s = clock_s - counts[0].values["clock_s"]
        if clock_s < before.values["clock_s"] or abs(passed_s - since_s) > _CLOCKS_APART_S:
            text = f"by its own clock the kernel's count was read {passed_s:.1f} s after the first"
            yield Doubt(f"{text}, and by the record's {since_s:.1f} s", (counts[0].index, after.index))
            return


def _throughout(counts: Sequence[_Count], attempt: Attempt) -> Iterator[Doubt]:
    """Counts that are missing at the end, which is always read, or for much of the time."""
    if counts and counts[-1].t < attempt.end_s:
        yield Doubt("the kernel's count of its memory was not read at its end", (counts[-1].index,))
    edges = [attempt.start_s, *(count.t for count in counts if count.t < attempt.end_s), attempt.end_s]
    missed_s = sum(max(b - a - _USUAL_GAP_S, 0.0) for a, b in pairwise(edges))
    if missed_s and missed_s > _MOST_MISSED * attempt.duration_s:
        yield Doubt(f"the kernel's count of its memory is missing for {show_duration(missed_s)}", (), is_silence=True)


def _peak(counts: Sequence[_Count], end: _End) -> Iterator[Doubt]:
    """A peak at the end that is not the highest of those before it."""
    low, high = end.low_bytes, end.high_bytes
    if high is not None and high < low * (1 - _SAME):
        yield Doubt(f"the peak is at least {show_size(low)} and at most {show_size(high)}", (end.index,))
    highest = max(counts, key=lambda count: count.values["low_bytes"], default=None)
    if highest and abs(highest.values["low_bytes"] - low) > _SAME * highest.values["low_bytes"]:
        between = show_size(highest.values["low_bytes"])
        text = f"the peak is {show_size(low)} at the end, and the highest between two readings was {between}"
        yield Doubt(text, (highest.index, end.index))
    highs = [count.values.get("high_bytes") for count in counts]
    known = [size for size in highs if size is not None]
    if known and (high is not None) != (None not in highs):
        yield Doubt(
            "the upper bound of the peak is known at the end, or between two readings, and not both", (end.index,)
        )
    elif known and high is not None and abs(max(known) - high) > _SAME * high:
        text = f"the peak is at most {show_size(high)} at the end, and was {show_size(max(known))} between two readings"
        yield Doubt(text, (end.index,))


def _beyond_peak(history: History, counts: Sequence[_Count], attempt: Attempt, end: _End) -> Iterator[Doubt]:
    """A reading that is more than the kernel's peak, which nothing can be; what is swapped out counts apart."""
    for count in counts:
        if count.values["swap_bytes"] > count.values["memory_bytes"] + _APART_BYTES:
            yield Doubt(f"more is swapped out at {show_duration(count.t)} than there is", (count.index,))
            break
    if end.high_bytes is None or any(count.values["swap_bytes"] for count in counts):
        return
    most = max(end.low_bytes, end.high_bytes) * _APART + _APART_BYTES
    readings = [(name, count.values[name], count.t, count.index) for name in _COUNTED for count in counts]
    for name, size, t, index in [*readings, *_others(history, attempt, end)]:
        if size is not None and size > most:
            text = f"{name} was {show_size(size)} at {show_duration(t)}"
            peak = show_size(max(end.low_bytes, end.high_bytes))
            yield Doubt(f"{text}, and the peak of all memory {peak}", (index, end.index))
            return


def _others(history: History, attempt: Attempt, end: _End) -> Iterator[tuple[str, float | None, float, int]]:
    """What other meters read of the same memory: its name, bytes, time and event."""
    for event in history.of(CgroupResources):
        if _within(event.t, attempt):
            yield "memory_bytes", event.memory_bytes, event.t, event.index
            yield "anon_bytes", event.anon_bytes, event.t, event.index
    for pss in history.of(ProcessPss):
        if _within(pss.t, attempt) and end.is_whole:
            yield "pss_bytes", pss.pss_bytes, pss.t, pss.index
    yield "left_bytes", end.left_bytes, end.t, end.index


def _one_process(history: History, attempt: Attempt, end: _End) -> Iterator[Doubt]:
    """A process that was larger than any became, by the kernel."""
    largest = end.largest_bytes
    if largest == 0:
        yield Doubt("the largest process of the command had no memory", (end.index,))
    if largest is None or not end.is_whole:  # it is not known of processes smaller than what started Leakdrill
        return
    read: list[tuple[float | None, Sample]] = [(e.rss_bytes, e) for e in history.of(ProcessTree) if e.processes == 1]
    read += [(size, e) for e in history.of(ProcessPss) for key, size in e.others.items() if key.startswith("pid_")]
    for size, event in read:
        if size is not None and _within(event.t, attempt) and size > largest * _APART + _APART_BYTES:
            text = f"one process held {show_size(size)} at {show_duration(event.t)}"
            yield Doubt(f"{text}, and none held more than {show_size(largest)} by the kernel", (event.index, end.index))
            return


def _divided(history: History, counts: Sequence[_Count], attempt: Attempt) -> Iterator[Doubt]:
    """A division of less memory than the kernel had just counted, which is what is divided."""
    for event in history.of(ProcessPss):
        before = [count for count in counts if count.index < event.index]
        if not before or not event.values or not _within(event.t, attempt):
            continue
        charged = before[-1].values["memory_bytes"]
        divided = sum(part for part in (event.pss_bytes, event.files_bytes, event.rest_bytes) if part)
        if divided < charged * (1 - _SAME) - _PAGE:
            text = f"{show_size(divided)} were divided among the processes at {show_duration(event.t)}"
            yield Doubt(f"{text}, and the kernel had counted {show_size(charged)}", (before[-1].index, event.index))
            return
