"""Readings that no process can have: they tell of another unit, of another process, or of none.

A recording in KiB, as `ps` and `/proc/PID/status` write them, divides every leak by 1024 and would pass as CLEAN.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.errors import BadInput
from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_ALWAYS_SOME: Final = ("anon", "uss", "pss", "rss")
_LEAST: Final = 1.0
_MOST: Final = 2.0**63
_MOST_REQUESTS: Final = 2.0**53
_LEAST_PROCESS_BYTES: Final = 1 << 20
"""No process that serves requests has been seen with less: libraries, stacks and buffers take it."""

_LEAST_OTHER_BYTES: Final = 4096
_PAGES_KIB: Final = (4, 8, 16, 32, 64)
_UNIT: Final = "multiply by 1024 what ps, top or /proc/PID/status wrote"


def check_possible(
    columns: Mapping[str, NDArray[np.float64]], labels: Mapping[str, str], place: str, lines: Sequence[int]
) -> None:
    """Refuse what no process can be read to have: less than nothing, no memory at all, more than any machine has.

    Raises:
        BadInput: names line and column.
    """
    for name, values in columns.items():
        least, most = _LEAST if name in _ALWAYS_SOME else 0.0, _MOST_REQUESTS if name == "requests" else _MOST
        wrong = np.flatnonzero((values < least) | (values > most))
        if len(wrong) and name != "t":
            at = int(wrong[0])
            raise BadInput(
                f"{place}:{lines[at]}: {labels[name]}: {values[at]:g}; expected a reading of a running process"
            )
    t = columns["t"]
    if len(t) > 1 and (t[0] == t[-1] or t[-1] > _MOST):
        raise BadInput(f"{place}:{lines[-1]}: t: {t[-1]:g} after {t[0]:g}; expected seconds, which go on")


def impossible_reading(columns: Mapping[str, NDArray[np.float64]]) -> str:
    """The first number of a recording that is none, or too large to be reckoned with; empty when there is none."""
    for name, values in columns.items():
        most = _MOST_REQUESTS if name == "requests" else _MOST
        wrong = np.flatnonzero(~(np.abs(values) <= most))
        if len(wrong):
            return f"{name} is {values[wrong[0]]:g} in sample {wrong[0] + 1}, which cannot be"
    return ""


def check_unit(values: NDArray[np.float64], column: str, place: str, *, whole: bool) -> None:
    """Refuse memory that is not in bytes, as far as its size or its steps tell.

    Args:
        values: one reading for each sample.
        column: its name, for the message.
        place: file and line, for the message.
        whole: whether it is resident memory of a process, and not of a part of it.

    Raises:
        BadInput: says what was seen.
    """
    if not len(values):
        return
    most, least = float(values.max()), _LEAST_PROCESS_BYTES if whole else _LEAST_OTHER_BYTES
    if most < least:
        what = "process that serves requests" if whole else "memory of a service"
        raise BadInput(f"{place}: {column}: no {what} is {show_size(most)} large; expected bytes", hint=_UNIT)
    if whole and _in_kib(values):
        raise BadInput(f"{place}: {column}: looks like KiB, in whole pages; expected bytes", hint=_UNIT)


def _in_kib(values: NDArray[np.float64]) -> bool:
    """Whether the readings are pages counted in KiB, all multiples of four; in bytes they are multiples of 1024."""
    unlike = np.unique(values)
    if np.any(unlike != np.floor(unlike)):
        return False
    return len(unlike) > 1 and math.gcd(*(int(value) for value in unlike)) in _PAGES_KIB
