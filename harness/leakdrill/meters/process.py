"""The kernel's figures for the target's processes: memory, CPU time, threads, open files.

/proc is read directly: psutil opens and parses several files for each answer, which at ten readings a second of a
service with several workers costs more than everything else a drill does. Sources: proc(5), and for smaps_rollup the
kernel's Documentation/ABI/testing/procfs-smaps_rollup.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from typing import TYPE_CHECKING, Final

from leakdrill.meters import huge_pages
from leakdrill.meters.kernel_file import KernelFile, read_once
from leakdrill.record.events import ProcessSmaps, ProcessTree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_CPU_TIMES: Final = slice(11, 15)  # user and system time, own and of reaped children, counted after the command's name
_THREADS: Final = 17
_STARTED: Final = 19
_VIRTUAL: Final = 20
_STACK: Final = 25  # where its stack begins: another place after each exec, under the same pid
_KIB: Final = 1024
_MOST_FILES: Final = re.compile(rb"^Max open files +(\d+)", re.MULTILINE)
_Row = tuple[float, float, float, float, float]
_SMAPS: Final = {"pss_bytes", "uss_bytes", "anon_bytes"}


class ProcessTreeMeter:
    """Sums over all processes that `pids` names.

    CPU seconds include children that ended and were waited for; when a process ends that nobody waits for, its
    seconds leave the sum. What ended since the first reading tells a service that something started anew inside the
    target: the sums of a supervisor and its new child look like those before.
    """

    event = ProcessTree
    every = 1

    def __init__(self, pids: Callable[[], Sequence[int]]) -> None:
        self._pids = pids
        self._open: dict[int, _OpenProcess] = {}
        self._ended_bytes = 0.0
        self._ended_age_s = 0.0

    def read(self) -> dict[str, float] | None:
        """Resident bytes, CPU seconds, counts of threads, open files and processes, and what of them has ended."""
        ended: list[tuple[float, float]] = []
        rows = [row for pid in self._follow(self._pids(), ended) if (row := self._row(pid, ended))]
        if ended:
            self._ended_bytes += sum(rss_bytes for rss_bytes, _ in ended)
            self._ended_age_s = max(ended)[1]
        if not rows:
            return None
        rss_bytes, cpu_seconds, threads, fds, virtual_bytes = (sum(column) for column in zip(*rows, strict=True))
        huge = huge_pages.held_by(self._open) if huge_pages.POOLS.in_use() else 0.0
        limits = [process.max_fds for process in self._open.values() if process.max_fds is not None]
        return {
            **({"max_fds": min(limits)} if limits else {}),
            "virtual_bytes": virtual_bytes,
            "rss_bytes": rss_bytes + huge,
            **({"hugetlb_bytes": huge} if huge else {}),
            "cpu_seconds": cpu_seconds,
            "threads": threads,
            "fds": fds,
            "processes": len(rows),
            "ended_bytes": self._ended_bytes,
            "ended_age_s": self._ended_age_s,
        }

    def close(self) -> None:
        """Close the files of every process."""
        self._follow((), [])

    def _follow(self, pids: Sequence[int], ended: list[tuple[float, float]]) -> Sequence[int]:
        for pid in self._open.keys() - set(pids):
            self._let_go(pid, ended)
        return pids

    def _let_go(self, pid: int, ended: list[tuple[float, float]]) -> None:
        """Close the files of a process; what it last held and its age go into `ended`, unless it only left the tree."""
        process = self._open.pop(pid)
        if not process.lives():
            ended.append(process.last())
        process.close()

    def _row(self, pid: int, ended: list[tuple[float, float]]) -> _Row | None:
        """Returns the row of a process, or None when it is gone; a pid that is used again is opened anew."""
        for _ in range(2):
            try:
                if pid not in self._open:
                    self._open[pid] = _OpenProcess(pid)
                process = self._open[pid]
                held, row = process.last(), process.row()
            except (FileNotFoundError, ProcessLookupError):
                if pid in self._open:
                    self._let_go(pid, ended)
            else:
                ended += [held] if process.replaced else []
                return row
        return None


class _OpenProcess:
    """One process, by its open folder: that stays its own, although another process may have its number by then.

    Attributes:
        replaced: whether its last row is of another program than the one before: it called exec, or died.
        max_fds: its limit of open files when it was first read; None where there is none or it may not be read.
    """

    def __init__(self, pid: int) -> None:
        self._rss_bytes, self._started_s = 0.0, 0.0
        self._program: bytes | None = None
        self.replaced = False
        with contextlib.ExitStack() as closing:
            self._folder = os.open(f"/proc/{pid}", os.O_PATH | os.O_DIRECTORY)
            closing.callback(os.close, self._folder)
            self._statm = KernelFile("statm", folder=self._folder)
            closing.callback(self._statm.close)
            self._stat = KernelFile("stat", folder=self._folder)
            closing.callback(self._stat.close)
            self.max_fds = self._max_fds()
            self._closing = closing.pop_all()

    def close(self) -> None:
        self._closing.close()

    def _max_fds(self) -> float | None:
        with contextlib.suppress(OSError):
            return max_open_files(self._folder)
        return None

    def lives(self) -> bool:
        """Whether it still has memory: that goes first when it ends."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            return self._resident_bytes() > 0
        return False

    def last(self) -> tuple[float, float]:
        """What it held at its last row, in bytes, and its age now, in seconds."""
        return self._rss_bytes, max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - self._started_s)

    def row(self) -> _Row:
        rss_bytes = self._resident_bytes()
        fields = self._stat.read().rpartition(b")")[2].split()
        cpu_seconds = sum(map(int, fields[_CPU_TIMES])) / _TICKS_PER_S
        program = fields[_STACK] if rss_bytes else b""
        self.replaced = self._program not in (None, program)
        self._program, self._rss_bytes, self._started_s = program, rss_bytes, int(fields[_STARTED]) / _TICKS_PER_S
        return rss_bytes, cpu_seconds, int(fields[_THREADS]), open_files(self._folder), int(fields[_VIRTUAL])

    def _resident_bytes(self) -> int:
        return int(self._statm.read().split(None, 2)[1]) * _PAGE_BYTES


def open_files(process: int) -> int:
    """How many files a process has open, by its open folder."""
    # Since Linux 6.2 the folder's size is that number; before that it is 0 and they are counted.
    if size := os.stat("fd", dir_fd=process).st_size:
        return size
    fd = os.open("fd", os.O_RDONLY | os.O_DIRECTORY, dir_fd=process)
    try:
        return len(os.listdir(fd))  # noqa: PTH208 - pathlib knows no open folder
    finally:
        os.close(fd)


def max_open_files(process: int) -> float | None:
    """How many files a process may have open, by its open folder; None where nothing limits them.

    Raises:
        PermissionError: when that is not ours to read.
    """
    found = _MOST_FILES.search(read_once("limits", folder=process))
    return None if found is None else float(found[1])


class SmapsMeter:
    """The memory that the processes really occupy: shared pages are divided among them. Costly, so read seldom.

    The file is opened for each reading. One that stays open keeps the memory that its process had then: of a child that
    was opened between `vfork` and `exec` it would tell its parent's memory for ever.
    """

    event = ProcessSmaps
    every = 10

    def __init__(self, pids: Callable[[], Sequence[int]]) -> None:
        self._pids = pids

    def read(self) -> dict[str, float] | None:
        """Proportional (PSS), unique (USS) and anonymous bytes, summed over the processes, huge pages included."""
        total: dict[str, float] = {}
        for pid in self._pids():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                for name, value in with_huge_pages(read_once(f"/proc/{pid}/smaps_rollup")).items():
                    total[name] = total.get(name, 0) + value
        return total or None


def with_huge_pages(text: bytes) -> dict[str, float]:
    """The same as `parse_smaps_rollup`, with huge pages counted in each, and apart where there are any."""
    kinds = parse_memory_kinds(text)
    fields = {name: value for name, value in kinds.items() if name in _SMAPS}
    own, shared = kinds.get("hugetlb_bytes", 0.0), kinds.get("shared_hugetlb_bytes", 0.0)
    if not own + shared:
        return fields
    fields["pss_bytes"] += own + shared
    fields["uss_bytes"] += shared
    fields["anon_bytes"] += own + shared
    return {**fields, "hugetlb_bytes": own + shared}


def parse_smaps_rollup(text: bytes) -> dict[str, float]:
    """Bytes in the content of a `smaps_rollup`; empty for a process without memory, such as a zombie."""
    return {name: value for name, value in parse_memory_kinds(text).items() if name in _SMAPS}


def parse_memory_kinds(text: bytes) -> dict[str, float]:
    """Every kind of memory in the content of a `smaps_rollup`, in bytes; empty for a process without memory.

    `pss_bytes` is what is resident, `pss_anon_bytes` its anonymous part and `shmem_bytes` its share of the files in
    memory that it maps. Beside it stand `swap_bytes`, its share of what is swapped out, `hugetlb_bytes`, huge pages of
    its own, and `shared_hugetlb_bytes`, huge pages that it shares.
    """
    kib = {tokens[0]: int(tokens[1]) for line in text.splitlines() if (tokens := line.split())[-1:] == [b"kB"]}
    if not kib:
        return {}
    unique = (b"Private_Clean:", b"Private_Dirty:", b"Private_Hugetlb:")
    return {
        "pss_bytes": kib.get(b"Pss:", 0) * _KIB,
        "uss_bytes": sum(kib.get(name, 0) for name in unique) * _KIB,
        "anon_bytes": kib.get(b"Anonymous:", 0) * _KIB,
        "pss_anon_bytes": kib.get(b"Pss_Anon:", kib.get(b"Anonymous:", 0)) * _KIB,
        "shmem_bytes": kib.get(b"Pss_Shmem:", 0) * _KIB,
        "swap_bytes": kib.get(b"SwapPss:", kib.get(b"Swap:", 0)) * _KIB,
        "hugetlb_bytes": kib.get(b"Private_Hugetlb:", 0) * _KIB,
        "shared_hugetlb_bytes": kib.get(b"Shared_Hugetlb:", 0) * _KIB,
    }
