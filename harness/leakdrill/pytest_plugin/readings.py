"""Readings of this process' memory at quiescent points: garbage collected, heap trimmed, then read.

What is alive when measuring begins is frozen (`gc.freeze`), so that a collection walks only what came since: a quiet
point then costs a tenth of a millisecond instead of tens, whatever the test suite has loaded. The readings go into an
array that exists before the first one, because what measuring itself keeps would count as a leak of a slow function.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from leakdrill.errors import EnvironmentProblem
from leakdrill.judging.leak.trace import Trace
from leakdrill.meters.process import parse_smaps_rollup
from leakdrill.pytest_plugin.python_heap import small_object_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leakdrill.pytest_plugin.hidden_memory import HiddenMemory

_MEMORY: Final = Path("/proc/self/smaps_rollup")
_COLUMNS: Final = ("anon", "uss", "pss", "rss", "blocks", "gcobj", "uord", "hblkhd", "ford", "live")
_MALLINFO: Final = (
    "arena",
    "ordblks",
    "smblks",
    "hblks",
    "hblkhd",
    "usmblks",
    "fsmblks",
    "uordblks",
    "fordblks",
    "keepcost",
)


class _Mallinfo2(ctypes.Structure):
    """The struct of glibc's malloc.h, 2.33 and later: ten of `size_t`."""

    _fields_ = [(name, ctypes.c_size_t) for name in _MALLINFO]


class Readings:
    """A table of up to `most` readings of this process, one after each slot; `hidden` is what lies outside of it."""

    def __init__(self, most: int, hidden: HiddenMemory) -> None:
        self._hidden = hidden
        self._rows = np.full((most, 2 + len(_COLUMNS)), -1.0)
        self._count = 0
        self._started_s = time.perf_counter()

    def take(self, calls: int) -> None:
        """Come to rest and read, `calls` calls after the first one."""
        come_to_rest()
        hidden_bytes = self._hidden.read()
        come_to_rest()  # what reading left in the interpreter's free lists would count as blocks
        row = self._rows[self._count]
        row[0], row[1] = time.perf_counter() - self._started_s, calls
        row[2:6] = _resident()
        row[2] += hidden_bytes
        row[6] = sys.getallocatedblocks()
        row[8:11] = _malloc()
        row[11] = _live(row[8] + row[9])
        row[7] = len(gc.get_objects())  # last, since the list itself is memory
        self._count += 1

    def held_bytes(self) -> float:
        """Returns the bytes that are held now: anonymous ones, and those outside of this process."""
        return _resident()[0] + self._hidden.read()

    def trace(self, name: str) -> Trace:
        """Returns the readings as a trace, without columns that this platform does not have."""
        rows: NDArray[np.float64] = self._rows[: self._count]
        columns = {column: rows[:, index] for index, column in enumerate(_COLUMNS, start=2)}
        known = {column: values for column, values in columns.items() if not np.any(values < 0)}
        return Trace(name=name, t=rows[:, 0], requests=rows[:, 1], columns=known, quiet=True)


def come_to_rest() -> None:
    """Collect garbage, twice because finalizers leave some behind, and give free heap back to the system."""
    gc.collect()
    gc.collect()
    if (trim := _libc("malloc_trim")) is not None:
        trim(0)


class FrozenHeap:
    """A context that keeps the collector from what is alive; a heap that somebody else has frozen is left as it is."""

    def __enter__(self) -> Self:
        gc.collect()
        self._ours = not gc.get_freeze_count()
        self.freeze()
        return self

    def __exit__(self, *_: object) -> None:
        if self._ours:
            gc.unfreeze()

    def freeze(self) -> None:
        """Keep it from what has come since, too."""
        if self._ours:
            gc.freeze()

    def objects(self) -> list[Any]:
        """All objects that the collector tracks, frozen or not; all of them are frozen afterwards."""
        if self._ours:
            gc.unfreeze()
        objects = gc.get_objects()
        self.freeze()
        return objects


def malloc_bytes() -> float:
    """Returns the bytes that malloc has given out and not got back; below 0 where it does not tell."""
    in_use, mapped, _ = _malloc()
    return in_use + mapped


def _resident() -> tuple[float, float, float, float]:
    """Returns the anonymous, unique, proportional and resident bytes; resident is taken as unique plus shared pages.

    Raises:
        EnvironmentProblem: where the kernel does not tell, as outside of Linux.
    """
    try:
        text = _MEMORY.read_bytes()
        resident = next(line for line in text.splitlines() if line.startswith(b"Rss:"))
    except (OSError, StopIteration) as e:
        raise EnvironmentProblem(f"{_MEMORY}: cannot be read: {e}", hint="leak_gate needs Linux 4.14 or later") from e
    sizes = parse_smaps_rollup(text)
    return sizes["anon_bytes"], sizes["uss_bytes"], sizes["pss_bytes"], 1024.0 * int(resident.split()[1])


def _live(in_malloc: float) -> float:
    """Returns the bytes in use by malloc and by Python's own allocator; -1 where one of them does not tell."""
    small = small_object_bytes()
    return in_malloc + small if min(in_malloc, small) >= 0 else -1.0


def _malloc() -> tuple[float, float, float]:
    """Returns the bytes in use, in mappings of their own, and free; -1 each without glibc 2.33."""
    ask = _libc("mallinfo2")
    if ask is None:
        return -1.0, -1.0, -1.0
    info = ask()
    return info.uordblks, info.hblkhd, info.fordblks


@cache
def _libc(name: str) -> Any:
    """Returns the C library's function `name`; None where it has none."""
    function = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function.restype = _Mallinfo2 if name == "mallinfo2" else ctypes.c_int
    return function
