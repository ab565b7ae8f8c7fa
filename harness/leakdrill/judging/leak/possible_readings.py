"""Readings that no process can have: what they tell of is another unit, another process, or none.

A recording in KiB, as `ps` and `/proc/PID/status` write them, divides every leak by 1024 and would pass as CLEAN.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.errors import BadInput
from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_LEAST_PROCESS_BYTES: Final = 1 << 20
"""No process that serves requests has been seen with less: libraries, stacks and buffers take it."""

_LEAST_OTHER_BYTES: Final = 4096
_MOST_BYTES: Final = float(1 << 60)
_MOST_REQUESTS: Final = float(1 << 53)
_MOST_T: Final = 1e19
"""Nanoseconds since 1970 are less."""

_PAGES_KIB: Final = (4, 8, 16, 32, 64)
_UNIT: Final = "multiply by 1024 what ps, top or /proc/PID/status wrote"


def check_counters(t: NDArray[np.float64], requests: NDArray[np.float64], places: Sequence[str]) -> None:
    """Refuse a time or a count of requests that cannot be.

    Raises:
        BadInput: names line and column.
    """
    _refuse_first(requests < 0, requests, "requests", places, "expected a count from 0 on")
    _refuse_first(requests > _MOST_REQUESTS, requests, "requests", places, "expected a count of completed requests")
    _refuse_first(np.abs(t) > _MOST_T, t, "t", places, "expected seconds")


def check_resident(values: NDArray[np.float64], column: str, places: Sequence[str], *, whole_process: bool) -> None:
    """Refuse readings of memory that no process has.

    Args:
        values: one for each sample.
        column: its name, for the message.
        places: file and line of each sample.
        whole_process: whether it is resident memory of a process, and not of a part of it.

    Raises:
        BadInput: names the line, or the file where all lines say so together.
    """
    _refuse_first(values < 0, values, column, places, "expected bytes, from 0 on")
    _refuse_first(values > _MOST_BYTES, values, column, places, "expected bytes; no memory is so large")
    if not len(values):
        return
    if whole_process:
        _refuse_first(values == 0, values, column, places, "a running process has some; leave out what was not read")
    most, least = float(values.max()), _LEAST_PROCESS_BYTES if whole_process else _LEAST_OTHER_BYTES
    if most < least:
        what = "process that serves requests" if whole_process else "memory of a service"
        raise BadInput(f"{places[-1]}: {column}: no {what} is {show_size(most)} large; expected bytes", hint=_UNIT)
    if whole_process and _in_kib(values):
        raise BadInput(f"{places[-1]}: {column}: looks like KiB, in whole pages; expected bytes", hint=_UNIT)


def _in_kib(values: NDArray[np.float64]) -> bool:
    """Whether the readings are pages counted in KiB, all multiples of four; in bytes they are multiples of 1024."""
    whole = np.unique(values)
    if np.any(whole != np.floor(whole)):
        return False
    return len(whole) > 1 and math.gcd(*(int(value) for value in whole)) in _PAGES_KIB


def _refuse_first(
    wrong: NDArray[np.bool_], values: NDArray[np.float64], column: str, places: Sequence[str], expected: str
) -> None:
    at = np.flatnonzero(wrong)
    if len(at):
        first = int(at[0])
        raise BadInput(f"{places[first]}: {column}: {values[first]:g} cannot be; {expected}")
