"""What the kernel counts of each process beside memory and CPU: switches, faults, disk traffic, states, run queue.

Read about once a second. How many threads were runnable is what their run time and their time on the run queue grew by,
a thread at a time: the first field of schedstat is the one, the second the other. A thread that a CPU limit holds back
is on the queue, so it counts. Sources: proc(5), the kernel's scheduler/sched-stats.rst.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leakdrill.meters.kernel_file import read_once
from leakdrill.meters.process import max_open_files, open_files
from leakdrill.record.events import ProcessDetails

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_NS: Final = 1e-9
_KIB: Final = 1024
_MINOR, _MAJOR, _USER, _SYSTEM, _STARTED = 7, 9, 11, 12, 19
_STATES: Final = {b"R": "running", b"S": "sleeping", b"I": "sleeping", b"D": "waiting", b"Z": "zombie"}
_STATUS: Final = {
    b"VmSwap": ("swap_bytes", _KIB),
    b"voluntary_ctxt_switches": ("voluntary_switches", 1),
    b"nonvoluntary_ctxt_switches": ("involuntary_switches", 1),
}
_STATUS_LINE: Final = re.compile(rb"^(\w+):\s+(\d+)", re.MULTILINE)
_IO: Final = {b"read_bytes": "read_bytes", b"write_bytes": "written_bytes"}
_NO_STATES: Final = dict.fromkeys(("running", "sleeping", "waiting", "zombie", "other"), 0.0)


class ProcessDetailsMeter:
    """Sums over the processes that `pids` names.

    Args:
        pids: the target's processes.
        proc: where the kernel shows them.
    """

    event = ProcessDetails
    every = 10

    def __init__(self, pids: Callable[[], Sequence[int]], *, proc: Path = Path("/proc")) -> None:
        self._pids = pids
        self._proc = proc
        self._queued: dict[str, float] = {}
        self._read_at: float | None = None

    def read(self) -> dict[str, float] | None:
        """Counts since each process was started, and levels; None without a process."""
        total: dict[str, float] = {}
        queued: dict[str, float] = {}
        for pid in self._pids():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                process = os.open(f"{self._proc}/{pid}", os.O_PATH | os.O_DIRECTORY)
                try:
                    _add(total, self._of(process))
                    queued |= self._threads(process)
                finally:
                    os.close(process)
        if not total:
            return None
        runnable = self._runnable(queued)
        return _NO_STATES | total | ({} if runnable is None else {"runnable": runnable})

    def _of(self, process: int) -> dict[str, float]:
        stat = read_once("stat", folder=process).rpartition(b")")[2].split()
        booted_at = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        return {
            _STATES.get(stat[0], "other"): 1.0,
            "page_faults": int(stat[_MINOR]),
            "major_page_faults": int(stat[_MAJOR]),
            "user_seconds": int(stat[_USER]) / _TICKS_PER_S,
            "system_seconds": int(stat[_SYSTEM]) / _TICKS_PER_S,
            "oldest_start_seconds": booted_at + int(stat[_STARTED]) / _TICKS_PER_S,
            **parse_status(read_once("status", folder=process)),
            **self._guarded(process),
        }

    @staticmethod
    def _guarded(process: int) -> dict[str, float]:
        """What only the owner of a process may read."""
        fields: dict[str, float] = {}
        with contextlib.suppress(PermissionError):
            lines = (line.split() for line in read_once("io", folder=process).splitlines())
            fields |= {_IO[key[:-1]]: float(value) for key, value in lines if key[:-1] in _IO}
        with contextlib.suppress(PermissionError):
            fds, most = open_files(process), max_open_files(process)
            fields |= {"worst_fd_ratio": fds / most} if most else {}
        return fields

    @staticmethod
    def _threads(process: int) -> dict[str, float]:
        """Seconds that each thread has run or waited to run; empty where the kernel does not count them."""
        seconds: dict[str, float] = {}
        tasks = os.open("task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=process)
        try:
            for thread in os.listdir(tasks):  # noqa: PTH208 - pathlib knows no open folder
                with contextlib.suppress(OSError):
                    ran, waited, _ = read_once(f"{thread}/schedstat", folder=tasks).split()
                    seconds[thread] = (int(ran) + int(waited)) * _NS
        finally:
            os.close(tasks)
        return seconds

    def _runnable(self, queued: Mapping[str, float]) -> float | None:
        """The mean number of runnable threads since the last reading; what has ended since is not in it."""
        now, before, read_at = time.monotonic(), self._queued, self._read_at
        self._queued, self._read_at = dict(queued), now
        if read_at is None or not queued:
            return None
        grown = sum(max(0.0, seconds - before.get(thread, 0.0)) for thread, seconds in queued.items())
        return grown / max(now - read_at, 1e-3)


def parse_status(text: bytes) -> dict[str, float]:
    """What is swapped out, and context switches, in the content of a process' status."""
    lines = dict(_STATUS_LINE.findall(text))
    return {name: int(lines[key]) * unit for key, (name, unit) in _STATUS.items() if key in lines}


def _add(total: dict[str, float], fields: Mapping[str, float]) -> None:
    for name, value in fields.items():
        if name == "worst_fd_ratio":
            total[name] = max(total.get(name, 0.0), value)
        elif name == "oldest_start_seconds":
            total[name] = min(total.get(name, value), value)
        else:
            total[name] = total.get(name, 0.0) + value
