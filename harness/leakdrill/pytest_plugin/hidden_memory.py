"""Memory that a function keeps outside of this process' anonymous pages, compared with when measuring began.

Files in memory (memfd, /dev/shm, shared mappings, System V segments) whether open, mapped or only left there; what is
swapped out and in huge pages; what unread pipes and sockets hold; and the memory of child processes, which cannot
leave: orphans come to this process while it measures. A file in a tmpfs counts when it is new and of this user: who
made it the kernel does not tell, so a neighbour that leaves files in /dev/shm at the same time counts, too.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import stat
import termios
from typing import TYPE_CHECKING, Final

from leakdrill.machine.orphans import descendants
from leakdrill.meters.files_in_memory import FilesInMemory, mounted_in_memory
from leakdrill.meters.process import parse_memory_kinds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from leakdrill.meters.files_in_memory import Inode

_DESCRIPTOR_BYTES: Final = 2048
"""About what the kernel keeps for an open pipe or socket: its file, inode, directory entry and table of buffers."""

_SYSV: Final = "/proc/sysvipc/shm"
_SYSV_CREATOR: Final = 4  # columns of /proc/sysvipc/shm
_SYSV_RESIDENT: Final = 14


class HiddenMemory:
    """Reads it again and again, from when it is made on."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._files = FilesInMemory()
        self._mounts = dict.fromkeys(mounted_in_memory(), -1)
        self._left: dict[Path, Mapping[Inode, int]] = {}
        self._before = {inode: size for path in self._mounts for inode, size in self._files.below(path).items()}
        self._start = (0.0, 0.0)
        self._start = self._shared(self._processes())

    def read(self) -> float:
        """Bytes that there are more than in the beginning, and what children, swap and descriptors hold."""
        processes = self._processes()
        files, mapped = self._shared(processes)
        grown = max(files - self._start[0], mapped - self._start[1], 0.0)
        mine = parse_memory_kinds(_rollup(self._pid))
        own = mine.get("swap_bytes", 0.0) + mine.get("hugetlb_bytes", 0.0) + mine.get("shared_hugetlb_bytes", 0.0)
        return grown + own + sum(_private(fields) for fields in processes[1:]) + _descriptors(self._pid)

    def _processes(self) -> Sequence[Mapping[str, float]]:
        """This process and all below it."""
        self._pids = list(descendants(self._pid))
        return [parse_memory_kinds(_rollup(pid)) for pid in self._pids]

    def _shared(self, processes: Sequence[Mapping[str, float]]) -> tuple[float, float]:
        """Bytes of files in memory that are open or left behind, and of those that are mapped."""
        files = {**self._new_files(), **self._files.opened(self._pids)}
        mapped = sum(fields.get("shmem_bytes", 0.0) for fields in processes)
        return float(sum(files.values())) + _sysv(self._pids), mapped

    def _new_files(self) -> dict[Inode, int]:
        """Files that came or grew on filesystems in memory; a filesystem that is as full as before is not looked at."""
        for path, used in self._mounts.items():
            now = _used_blocks(path)
            if now != used:
                self._mounts[path] = now
                self._left[path] = self._files.below(path)
        return {
            inode: size - self._before.get(inode, 0)
            for found in self._left.values()
            for inode, size in found.items()
            if size > self._before.get(inode, 0)
        }


def _private(fields: Mapping[str, float]) -> float:
    """What a child holds beside files in memory, which are counted apart."""
    return sum(fields.get(name, 0.0) for name in ("pss_anon_bytes", "swap_bytes", "hugetlb_bytes"))


def _rollup(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:  # noqa: PTH123 - at every quiescent point
            return file.read()
    except OSError:
        return b""


def _used_blocks(path: Path) -> int:
    try:
        found = os.statvfs(path)
    except OSError:
        return 0
    return found.f_blocks - found.f_bfree


def _sysv(pids: Sequence[int]) -> float:
    try:
        with open(_SYSV, "rb") as file:  # noqa: PTH123 - read_text leaves a block behind
            rows = [line.split() for line in file.read().splitlines()[1:]]
    except OSError:
        return 0.0
    return float(sum(int(row[_SYSV_RESIDENT]) for row in rows if int(row[_SYSV_CREATOR]) in pids))


def _descriptors(pid: int) -> float:
    """What the kernel keeps for open descriptors, and what is unread in pipes and sockets."""
    total = 0.0
    for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - names only
        with contextlib.suppress(OSError):
            total += _DESCRIPTOR_BYTES + _unread_bytes(int(name))
    return total


def _unread_bytes(fd: int) -> int:
    mode = os.fstat(fd).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return 0
    unread = array.array("i", [0])
    fcntl.ioctl(fd, termios.FIONREAD, unread)
    return unread[0]
