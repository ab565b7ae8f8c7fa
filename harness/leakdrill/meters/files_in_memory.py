"""Files that lie in memory and not on a disk: tmpfs, memfd, System V shared memory, ramfs and hugetlbfs.

They count as memory of whoever keeps them, mapped or not. Each is known by its device and inode, so that a file which
several processes have open counts once. Which devices are memory the kernel says itself (statfs(2)), also of a tmpfs
that was mounted a moment ago or in another mount namespace. Source: include/uapi/linux/magic.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Inode = tuple[int, int]
"""Device and inode."""

_MAGIC: Final = (0x01021994, 0x858458F6, 0x958458F6)  # tmpfs (and memfd, System V), ramfs, hugetlbfs
_BLOCK_BYTES: Final = 512
_KIB: Final = 1024
_MOST_FILES: Final = 20_000


class _Statfs(ctypes.Structure):
    """The head of the struct of statfs(2), and room for the rest of it."""

    _fields_ = [("f_type", ctypes.c_long), ("rest", ctypes.c_char * 248)]


class FilesInMemory:
    """Finds files in memory; remembers which devices are."""

    def __init__(self) -> None:
        self._devices: dict[int, bool] = {}
        self._statfs = getattr(ctypes.CDLL(None), "statfs", None)

    def opened(self, pids: Iterable[int]) -> dict[Inode, int]:
        """Bytes of the files in memory that `pids` hold open, those that were deleted too."""
        found: dict[Inode, int] = {}
        for pid in pids:
            with contextlib.suppress(OSError):
                for fd in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - names only
                    found.update(self._one(f"/proc/{pid}/fd/{fd}"))
        return found

    def below(self, folder: Path) -> dict[Inode, int]:
        """Bytes of the files in memory below `folder` that are ours; of many files the first twenty thousand."""
        found: dict[Inode, int] = {}
        for count, path in enumerate(_walk(folder)):
            if count >= _MOST_FILES:
                break
            found.update(self._one(path, owner=os.geteuid()))
        return found

    def _one(self, path: str, owner: int | None = None) -> dict[Inode, int]:
        try:
            status = os.stat(path, follow_symlinks=owner is None)  # noqa: PTH116 - many a second
        except OSError:
            return {}
        is_file = stat.S_ISREG(status.st_mode) and owner in (None, status.st_uid)
        if not (is_file and self._is_memory(status.st_dev, path)):
            return {}
        return {(status.st_dev, status.st_ino): status.st_blocks * _BLOCK_BYTES}

    def _is_memory(self, device: int, path: str) -> bool:
        if device not in self._devices:
            found = _Statfs()
            known = self._statfs is not None and self._statfs(os.fsencode(path), ctypes.byref(found)) == 0
            self._devices[device] = known and found.f_type & 0xFFFFFFFF in _MAGIC
        return self._devices[device]


def _walk(folder: Path) -> Iterator[str]:
    """The files below `folder`, on its own filesystem or another; what cannot be read is left out."""
    waiting = [str(folder)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    yield entry.path


def mounted_in_memory() -> list[Path]:
    """Where filesystems in memory are mounted, as this process sees them."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        if right.split()[:1] in (["tmpfs"], ["ramfs"]) and left.split()[4] != "/sys/fs/cgroup":
            found.append(Path(left.split()[4].replace(r"\040", " ")))
    return list(dict.fromkeys(found))


def shmem_bytes() -> float:
    """Bytes of all files in memory on this machine."""
    return _meminfo().get("Shmem:", 0.0) * _KIB


def huge_pages_bytes() -> float:
    """Bytes of all huge pages of the default size that are in use on this machine."""
    kib = _meminfo()
    pages = kib.get("HugePages_Total:", 0.0) - kib.get("HugePages_Free:", 0.0)
    return pages * kib.get("Hugepagesize:", 0.0) * _KIB


def reclaimable_kernel_bytes() -> float:
    """Bytes of kernel memory on this machine that can be taken back, such as directory entries."""
    return _meminfo().get("SReclaimable:", 0.0) * _KIB


def _meminfo() -> dict[str, float]:
    rows = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    return {row[0]: float(row[1]) for row in rows}
