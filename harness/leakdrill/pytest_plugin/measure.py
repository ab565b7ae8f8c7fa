"""Measures a function: warm-up until its own trend settles, then slots that each end at a quiescent point."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.judging.leak.growth_kind import PAGE_BYTES
from leakdrill.judging.leak.warmup import settled_from
from leakdrill.pytest_plugin.cache_fill import LruCaches
from leakdrill.pytest_plugin.hidden_memory import HiddenMemory
from leakdrill.pytest_plugin.readings import FrozenHeap, Readings
from leakdrill.pytest_plugin.schedule import (
    FEWEST_WARMUP_SLOTS,
    MOST_WARMUP_SLOTS,
    SLOTS,
    MeasurementLength,
    Pace,
    calls_per_slot,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.judging.leak.trace import Trace
    from leakdrill.pytest_plugin.cache_fill import CacheFill
    from leakdrill.pytest_plugin.calls import Calls

_MOST_CUT: Final = 0.7
"""The share of warm-up that may be given up in the search for where it settled."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """The measurement of one function.

    Attributes:
        trace: one reading after each slot; `requests` are calls since the first one.
        slot_calls: calls in each slot.
        warmup_calls: calls before the first slot.
        took_s: seconds in all.
        fills: `lru_cache`s that took entries in.
    """

    trace: Trace
    slot_calls: int
    warmup_calls: int
    took_s: float
    fills: Sequence[CacheFill]

    @property
    def call_s(self) -> float:
        """Seconds of one call, with its share of coming to rest."""
        t, requests = self.trace.t, self.trace.requests
        return float((t[-1] - t[0]) / (requests[-1] - requests[0]))


def measure(calls: Calls, length: MeasurementLength) -> Measurement:
    """Call it for about as long as `length` says.

    Raises:
        BadInput: when one call takes longer than a slot.
        EnvironmentProblem: when this platform does not tell a process its memory.
    """
    started_s = time.perf_counter()
    until_s = started_s + length.measuring_s
    hidden = HiddenMemory()
    with FrozenHeap() as heap:
        slot_calls = calls_per_slot(calls, Readings(1, hidden), length)
        readings = Readings(SLOTS + 1, hidden)
        heap.freeze()
        pace = _warm_up(calls, Readings(MOST_WARMUP_SLOTS, hidden), slot_calls, until_s)
        slot_calls = pace.fitting(until_s - time.perf_counter())
        gc.collect()
        caches = LruCaches(heap.objects())
        warmup_calls = calls.done
        readings.take(calls.done)
        for _ in range(SLOTS):
            calls.many(slot_calls)
            readings.take(calls.done)
    fills = caches.since(calls.done - warmup_calls)
    return Measurement(readings.trace(calls.name), slot_calls, warmup_calls, time.perf_counter() - started_s, fills)


def _warm_up(calls: Calls, readings: Readings, slot_calls: int, until_s: float) -> Pace:
    """Run slots until the last `FEWEST_WARMUP_SLOTS` lie on one line, no more than `MOST_WARMUP_SLOTS`, and in time.

    Returns what the last one has cost; all that follow must be over at `until_s`.
    """
    for done in range(1, MOST_WARMUP_SLOTS + 1):
        started_s = time.perf_counter()
        calls.many(slot_calls)
        called_s = time.perf_counter()
        readings.take(calls.done)
        now_s = time.perf_counter()
        pace = Pace(slot_calls, called_s - started_s, now_s - called_s)
        late = now_s + (now_s - started_s) + pace.least_s > until_s
        if done > FEWEST_WARMUP_SLOTS and (late or _settled(readings.trace(calls.name))):
            break
    return pace


def _settled(trace: Trace) -> bool:
    start = settled_from(trace.requests, trace.resident, resolution=PAGE_BYTES, most_cut=_MOST_CUT)
    return len(trace) - start >= FEWEST_WARMUP_SLOTS
