"""The schedule of a measurement: calls in a slot, and slots in all."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput
from leakdrill.pytest_plugin.readings import come_to_rest
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from leakdrill.pytest_plugin.calls import Calls
    from leakdrill.pytest_plugin.readings import Readings

DEFAULT_SECONDS: Final = 5.0
SLOTS: Final = 20
"""Slots after warm-up: two halves of ten each, so that growth which ends is told from growth which goes on."""

MOST_WARMUP_SLOTS: Final = 12
FEWEST_WARMUP_SLOTS: Final = 4
_ALL_SLOTS: Final = SLOTS + FEWEST_WARMUP_SLOTS + 2
"""Slots that the time is divided by; a long warm-up takes more."""

_MEASURING: Final = 0.85
"""The share of the time for the measurement; the rest is for what grew, when it is no PASS."""

_PROBE_SHARE: Final = 0.05
_MOST_SLOT_CALLS: Final = 5000
"""More would not make the result better: a page of noise over 100,000 calls is a twentieth of a byte a call."""

_MOST_SLOT_BYTES: Final = 8 * 1024**2
"""A slot of a function that leaks much is cut to this: the whole gate must not use up the machine's memory."""

_LEAST_CALLING: Final = 0.5
"""The least share of a slot that is spent on calls, however long a quiescent point takes."""


@dataclass(frozen=True, slots=True)
class MeasurementLength:
    """The length of a measurement: about `seconds`, or `calls` calls in all slots after warm-up."""

    seconds: float = DEFAULT_SECONDS
    calls: int | None = None

    @property
    def measuring_s(self) -> float:
        """How long measuring may take; without end where the calls are given."""
        return _MEASURING * self.seconds if self.calls is None else math.inf

    def __post_init__(self) -> None:
        if not 0 < self.seconds < math.inf:
            raise BadInput(f"leak_gate: seconds={self.seconds:g}; expected a number above 0")
        if self.calls is not None and self.calls < SLOTS:
            raise BadInput(f"leak_gate: calls={self.calls}; expected {SLOTS} or more, one for each slot")


def calls_per_slot(calls: Calls, readings: Readings, length: MeasurementLength) -> int:
    """Returns the calls in each slot, from calling for a twentieth of the time and coming to rest once.

    Raises:
        BadInput: when the function is too slow for the length; says which time would do.
    """
    call_s, most = _cost(calls, readings, length)
    started_s = time.perf_counter()
    readings.take(calls.done)
    quiet_s = time.perf_counter() - started_s
    if length.calls is not None:
        return length.calls // SLOTS
    slot_s = length.measuring_s * (1 - _PROBE_SHARE) / _ALL_SLOTS
    if call_s > slot_s:
        raise BadInput(
            f"leak_gate: {calls.name}: one call takes {show_duration(call_s)}, too slow for {SLOTS} slots in "
            f"{show_duration(length.seconds)}",
            hint=f"leak_gate(…, seconds={1.2 * length.seconds * call_s / slot_s:.0f}), or gate a smaller part of it",
        )
    return max(1, min(most, int(max(slot_s - quiet_s, _LEAST_CALLING * slot_s) / call_s)))


def _cost(calls: Calls, readings: Readings, length: MeasurementLength) -> tuple[float, int]:
    """Returns the seconds of one call, and how many a slot may have, from batches that double in size.

    The first call, which imports and compiles, does not count.
    """
    calls.many(1)
    come_to_rest()
    before = readings.held_bytes()
    batch, limit_s = 1, length.seconds * _PROBE_SHARE / 2
    most = _MOST_SLOT_CALLS if length.calls is None else length.calls // SLOTS
    while True:
        started_s = time.perf_counter()
        calls.many(batch)
        took_s = time.perf_counter() - started_s
        grown = readings.held_bytes() - before
        if took_s >= limit_s or batch >= most or grown > _MOST_SLOT_BYTES:
            a_call = grown / (2 * batch - 1)
            return max(took_s / batch, 1e-9), max(1, min(most, int(_MOST_SLOT_BYTES / max(a_call, 1))))
        batch *= 2


@dataclass(frozen=True, slots=True)
class Pace:
    """What a slot has cost: `slot_calls` calls in `calling_s` seconds, and `resting_s` to come to rest and be read."""

    slot_calls: int
    calling_s: float
    resting_s: float

    def fitting(self, left_s: float) -> int:
        """How many calls a slot may have for all slots to fit into `left_s`; half of them at the least."""
        calling_s = left_s / SLOTS - self.resting_s
        if calling_s >= self.calling_s:
            return self.slot_calls
        return max(1, int(self.slot_calls * max(calling_s / self.calling_s, _LEAST_CALLING)))

    @property
    def least_s(self) -> float:
        """The time in which all slots fit when they are as short as they may be."""
        return SLOTS * (_LEAST_CALLING * self.calling_s + self.resting_s)
