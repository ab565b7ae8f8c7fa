"""The processes of the watched command, looked up several times a second and cheaply.

Its orphans come to us (see machine/orphans.py), so all that it started is below us, unless the kernel does not agree:
then those without a parent are found by the run's mark in their environment, a scan of the machine done seldom. In a
control group of its own the kernel knows its processes, and who is below us and not in the group has left it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leakdrill.machine.orphans import children, descendants, living_thread, sleeps

if TYPE_CHECKING:
    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.machine.process_tree import ProcessTree

_RESCAN_S: Final = 1.0
_RESCAN_COSTS: Final = 50
"""A scan may take a fiftieth of one core."""

_END_TIMEOUT_S: Final = 5.0
_POLL_S: Final = 0.02
_KIB: Final = 1024


def own_children() -> frozenset[int]:
    """The children that we have before the command is started."""
    return frozenset(children(os.getpid()))


def forks_so_far() -> int:
    """Processes and threads that were started on this machine since it booted."""
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith("processes "):
            return int(line.split()[1])
    return 0


class CommandProcesses:
    """The living processes of `family`.

    Args:
        family: what was started.
        cgroup: the control group that they are in; None for none.
        before: the children of ours that do not belong to the command.
    """

    def __init__(self, family: ProcessTree, cgroup: Cgroup | None, before: frozenset[int]) -> None:
        self._family = family
        self._cgroup = cgroup
        self._before = before
        self._marked: list[int] = []
        self._rescan_at_s = time.monotonic() + _RESCAN_S
        self._inside: set[int] = set()
        self._last: list[int] = []
        self.seen: set[int] = set()
        self.escaped: set[int] = set()
        """Those that were found outside the control group."""

        self.adopted_bytes = 0
        """The largest resident set of an orphan that has ended."""

    def pids(self) -> list[int]:
        """Returns their ids now, parents before children."""
        below = self._below()
        if self._cgroup:
            inside = self._cgroup.pids()
            self._inside.update(inside)
            strays = [pid for pid in dict.fromkeys(below) if pid not in inside and self._is_outside(pid)]
            self.escaped.update(strays)
            below = [*inside, *strays]
        elif time.monotonic() >= self._rescan_at_s:
            self._rescan()
        pids = list(dict.fromkeys([*below, *self._marked]))
        self.seen.update(pids)
        self._last = pids
        return pids

    def living(self) -> bool:
        """Whether any of them runs; the orphans that have ended are taken note of."""
        self.reap()
        return any(living_thread(pid) for pid in {*self._last, *self._below()})

    def asleep(self) -> bool:
        """Whether one of them sleeps for a time of its own choice, and will go on by itself."""
        return any(sleeps(pid) for pid in {*self._last, *self._below()})

    def end_strays(self) -> int:
        """Kill what is still below us after the command and its family have ended; returns how many stay."""
        deadline = time.monotonic() + _END_TIMEOUT_S
        while (left := [pid for pid in self._below() if living_thread(pid)]) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            self.reap()
            time.sleep(_POLL_S)
        self.reap()
        return len(left)

    def reap(self) -> None:
        """Take note of the orphans that have ended; the command itself is waited for elsewhere."""
        for pid in children(os.getpid()):
            if pid not in self._before and pid != self._family.pid and living_thread(pid) is None:
                with contextlib.suppress(ChildProcessError):
                    _, _, usage = os.wait4(pid, os.WNOHANG)
                    self.adopted_bytes = max(self.adopted_bytes, usage.ru_maxrss * _KIB)

    def _below(self) -> list[int]:
        first = [pid for pid in children(os.getpid()) if pid not in self._before]
        return [pid for child in first for pid in descendants(child)]

    def _is_outside(self, pid: int) -> bool:
        """Whether it has left the group: before it enters, the command itself is outside, too."""
        if pid == self._family.pid and pid not in self._inside:
            return False
        try:
            groups = Path(f"/proc/{pid}/cgroup").read_text()
        except OSError:
            return False
        name = self._cgroup.folders[0].name if self._cgroup else ""
        return living_thread(pid) is not None and name not in groups

    def _rescan(self) -> None:
        began = time.thread_time()
        self._marked = [process.pid for process in self._family.members()]
        self._rescan_at_s = time.monotonic() + max(_RESCAN_S, _RESCAN_COSTS * (time.thread_time() - began))
