"""Adopts the orphans of what this process starts, so that no child can leave the process tree.

A process whose parent ends goes to the nearest ancestor that asked for orphans (PR_SET_CHILD_SUBREAPER, prctl(2)), and
to init only when there is none. While it is asked for, everything that was started here stays below this process,
whatever session, group and environment it gives itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_SET_CHILD_SUBREAPER: Final = 36
_GET_CHILD_SUBREAPER: Final = 37
_DEAD: Final = (b"Z", b"X")


@contextlib.contextmanager
def adopting_orphans() -> Iterator[bool]:
    """Adopt them within the block; gives whether the kernel agreed."""
    before = ctypes.c_int()
    agreed = _prctl(_GET_CHILD_SUBREAPER, ctypes.byref(before)) and _prctl(_SET_CHILD_SUBREAPER, 1)
    try:
        yield agreed
    finally:
        if agreed:
            _prctl(_SET_CHILD_SUBREAPER, before.value)


def _prctl(option: int, argument: Any) -> bool:
    call = getattr(ctypes.CDLL(None), "prctl", None)
    return call is not None and call(option, argument, 0, 0, 0) == 0


def children(pid: int) -> list[int]:
    """The children of all threads of `pid`; empty, too, on a kernel built without lists of children."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - asked for each process fifty times a second
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as file:  # noqa: PTH123 - likewise
                found += map(int, file.read().split())
    return found


def descendants(pid: int) -> Iterator[int]:
    """`pid` and all below it, parents before children."""
    waiting = [pid]
    while waiting:
        yield (current := waiting.pop())
        waiting += children(current)


def living_thread(pid: int) -> int | None:
    """A thread of `pid` that runs, by preference its first; None when all have ended.

    A process whose first thread has ended looks like a zombie and has no memory of its own in /proc/PID, although its
    other threads go on.
    """
    if _state(f"/proc/{pid}/stat") not in (*_DEAD, b""):
        return pid
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - names only
            if _state(f"/proc/{pid}/task/{thread}/stat") not in (*_DEAD, b""):
                return int(thread)
    return None


def sleeps(pid: int) -> bool:
    """Whether a thread of `pid` sleeps for a time (nanosleep(2)), as far as the kernel shows where it waits."""
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - names only
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/wchan", "rb") as file:  # noqa: PTH123 - fifty times a second
                if b"nanosleep" in file.read():
                    return True
    return False


def _state(stat: str) -> bytes:
    try:
        with open(stat, "rb") as file:  # noqa: PTH123 - fifty times a second
            return file.read().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):
        return b""
