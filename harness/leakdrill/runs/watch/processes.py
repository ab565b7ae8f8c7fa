"""The processes of the watched command, looked up several times a second and cheaply.

In a cgroup of its own the kernel knows. Otherwise the children of each process are asked for, which misses one whose
parent has ended; those are found by the run's mark in their environment: a scan of the whole machine, done seldom.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.machine.process_tree import ProcessTree

_RESCAN_S: Final = 1.0
_RESCAN_COSTS: Final = 50
"""A scan may take a fiftieth of one core."""


class CommandProcesses:
    """The living processes of `family`; `cgroup`, where there is one, holds them all."""

    def __init__(self, family: ProcessTree, cgroup: Cgroup | None) -> None:
        self._family = family
        self._cgroup = cgroup
        self._roots = [family.pid] if family.pid else []
        self._rescan_at_s = time.monotonic() + _RESCAN_S

    def pids(self) -> list[int]:
        """Returns their ids now, parents before children."""
        if self._cgroup:
            return self._cgroup.pids()
        if time.monotonic() >= self._rescan_at_s:
            self._rescan()
        pids: dict[int, None] = {}
        for root in self._roots:
            if root not in pids:
                pids |= dict.fromkeys(_descend(root))
        return list(pids)

    def _rescan(self) -> None:
        began = time.thread_time()
        first = [self._family.pid] if self._family.pid else []
        self._roots = [*first, *(process.pid for process in self._family.members())]
        self._rescan_at_s = time.monotonic() + max(_RESCAN_S, _RESCAN_COSTS * (time.thread_time() - began))


def _descend(pid: int) -> Iterator[int]:
    waiting = [pid]
    while waiting:
        yield (current := waiting.pop())
        waiting += _children(current)


def _children(pid: int) -> list[int]:
    """Empty, too, on a kernel built without lists of children: then the scan alone finds them."""
    children: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - asked for each process ten times a second
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as file:  # noqa: PTH123 - likewise
                children += map(int, file.read().split())
    return children
