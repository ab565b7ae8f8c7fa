"""The peak of a watched command's memory as the kernel counts it, also between readings, and whether to trust a record.

The readings say who held the memory; the peak says how much it was. It has two bounds because the kernel's count has
page cache in it, which does not count: what the cache changed between two readings may have been part of the peak.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.record.events import ProcessPss, ProcessTree, WatchExited, WatchMemory
from leakdrill.units import show_count, show_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.judging.watch.memory_split import Attempt, Reading
    from leakdrill.record.history import History

_FEW_READINGS: Final = 5
_MANY_READINGS: Final = 10
_SAME_PLACE: Final = 1e-9
_MOVED_BYTES: Final = 16 << 20
_MOVED: Final = 0.25
_UNSEEN_LARGER: Final = 1.2


@dataclass(frozen=True, slots=True)
class KernelPeak:
    """The highest memory of an attempt.

    Attributes:
        low_bytes: it was at least this; 0 where nothing is known.
        high_bytes: it was at most this; infinite where nobody can say.
        events: what says so.
    """

    low_bytes: float
    high_bytes: float
    events: tuple[int, ...]


def kernel_peak(history: History, attempt: Attempt) -> KernelPeak:
    """The peak of `attempt`: the highest that any line of the record tells."""
    lines = _memory(history, attempt)
    exited = attempt.exited
    lows = [(e.low_bytes or 0.0, e.index) for e in lines] + [(e.memory_bytes or 0.0, e.index) for e in lines]
    if exited:
        lows.append((exited.low_bytes or 0.0, exited.index))
    low, index = max(lows, default=(0.0, -1))
    highs = [e.high_bytes for e in lines] + ([exited.high_bytes] if exited else [])
    known = bool(exited and exited.high_bytes is not None) and None not in highs
    high = max((h for h in highs if h is not None), default=math.inf) if known else math.inf
    return KernelPeak(low, high, (index,) if index >= 0 else ())


def distrust(history: History, attempt: Attempt, samples: Sequence[Reading]) -> str:
    """Why the readings of `attempt` cannot be trusted; empty when nothing speaks against them."""
    lines = _memory(history, attempt)
    trees = [e for e in history.of(ProcessTree) if _inside(e.t, attempt)]
    values = [event.values for event in (*lines, *trees, *_pss(history, attempt))]
    values.append(_at_the_end(attempt))
    for name, value in ((name, value) for row in values for name, value in row.items()):
        if not isinstance(value, int | float) or not math.isfinite(value):
            return f"a reading of {name} is not a number: {value}"
        if value < 0:
            return f"a reading of {name} is negative: {value:.0f}"
    if attempt.exited and attempt.exited.growing:
        return "what outlived the command was still taking memory when it was ended"
    return _vanished(attempt, lines, trees) or (_frozen(lines, trees, samples) if attempt.followed else "")


def unseen(attempt: Attempt, samples: Sequence[Reading], limit_bytes: float) -> str:
    """Why memory above `limit_bytes` may have gone unseen; empty when it cannot, or hardly."""
    exited = attempt.exited
    if exited is None or attempt.followed not in ("cgroup", "processes"):
        return ""
    if attempt.followed == "cgroup" and exited.unseen:
        return f"{exited.unseen:.0f} of its processes left its control group"
    if attempt.followed == "cgroup" and exited.high_bytes is not None:
        return ""
    if len(samples) < _FEW_READINGS:
        return f"its memory was read only {show_count(len(samples), 'time')}, and the kernel did not count it"
    largest, top = attempt.largest_process_bytes, max(s.total_bytes for s in samples)
    seen = max((held for s in samples for held in s.by_pid.values()), default=0.0)
    count = exited.unseen or 0.0
    if largest > seen * _UNSEEN_LARGER and top + count * largest > limit_bytes:
        return f"a process reached {show_size(largest)} between two readings, and nobody knows how many did at once"
    return ""


def _at_the_end(attempt: Attempt) -> dict[str, float]:
    exited = attempt.exited or WatchExited()
    figures = {
        "low_bytes": exited.low_bytes,
        "high_bytes": exited.high_bytes,
        "largest_process_bytes": exited.largest_process_bytes,
        "unseen": exited.unseen,
        "growing": exited.growing,
    }
    return {name: value for name, value in figures.items() if value is not None}


def _vanished(attempt: Attempt, lines: Sequence[WatchMemory], trees: Sequence[ProcessTree]) -> str:
    errors = [e.error for e in (*lines, *trees) if e.error]
    if errors:
        return f"a reading failed: {errors[0]}"
    exited = attempt.exited
    counted = attempt.followed == "cgroup" or bool(lines)
    if counted and exited and exited.low_bytes is None:
        return "the kernel's count of its memory is missing at its end"
    return "the kernel's count of its memory is missing" if counted and not lines else ""


def _frozen(lines: Sequence[WatchMemory], trees: Sequence[ProcessTree], samples: Sequence[Reading]) -> str:
    """Why a meter must have stood still: its clock did, or it did while another moved."""
    clocks = [e.clock_s for e in lines if e.clock_s is not None]
    if len(clocks) >= _FEW_READINGS and len(set(clocks)) <= len(clocks) / 2:
        return "the kernel's count of its memory was not read anew"
    memory = [e.memory_bytes or 0.0 for e in lines]
    rss = [e.rss_bytes or 0.0 for e in trees]
    pss = [sum(s.by_pid.values()) for s in samples]
    for name, still, others in (("all memory", memory, pss), ("resident memory", rss, pss), ("PSS", pss, rss)):
        if len(still) >= _MANY_READINGS and len(set(still)) == 1 and _moved(others):
            return f"the reading of {name} stands still while the others move"
    return ""


def _moved(values: Sequence[float]) -> bool:
    if not values:
        return False
    low, high = min(values), max(values)
    return high - low > max(_MOVED_BYTES, _MOVED * high)


def _memory(history: History, attempt: Attempt) -> list[WatchMemory]:
    return [e for e in history.of(WatchMemory) if attempt.start_s - _SAME_PLACE <= e.t <= attempt.closed_s]


def _pss(history: History, attempt: Attempt) -> list[ProcessPss]:
    return [e for e in history.of(ProcessPss) if _inside(e.t, attempt)]


def _inside(t: float, attempt: Attempt) -> bool:
    return attempt.start_s <= t <= attempt.end_s
