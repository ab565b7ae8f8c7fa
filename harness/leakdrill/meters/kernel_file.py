"""A file of the kernel that is read again and again: opened once, as far as there is room.

A file that stays open is read by one call, and it stays that of the process or control group that it was opened for:
when that is gone, reading it fails, although another may have its number or name by then. But every process may open
only so many files. A quarter of them is ours; beyond that a file is opened for each reading, which costs more.
"""

from __future__ import annotations

import os
import resource
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_READ_BYTES: Final = 16384
"""The kernel gives each of these files, all of it, to one call that has room for it."""
_OUR_SHARE: Final = 4


class _Room:
    """Counts the files that are kept open in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept = 0

    def take(self) -> bool:
        """Whether one more may be kept; it counts from now on."""
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        with self._lock:
            if most != resource.RLIM_INFINITY and self._kept >= most // _OUR_SHARE:
                return False
            self._kept += 1
            return True

    def give_back(self) -> None:
        """One that was kept has been closed."""
        with self._lock:
            self._kept -= 1


_ROOM: Final = _Room()


class KernelFile:
    """The file at `path`.

    Args:
        path: where it is; below `folder` where that is given.
        folder: an open folder, such as that of a process.

    Raises:
        OSError: when it is not there or may not be read.
    """

    def __init__(self, path: str | Path, *, folder: int | None = None) -> None:
        self._path, self._folder = str(path), folder
        self._fd = self._opened()
        self._is_kept = _ROOM.take()
        if not self._is_kept:
            os.close(self._fd)

    def read(self) -> bytes:
        """What it says now.

        Raises:
            OSError: when what it tells of is gone.
        """
        if self._is_kept:
            return os.pread(self._fd, _READ_BYTES, 0)
        fd = self._opened()
        try:
            return os.pread(fd, _READ_BYTES, 0)
        finally:
            os.close(fd)

    def close(self) -> None:
        """Close it; it is not read again."""
        if self._is_kept:
            self._is_kept = False
            os.close(self._fd)
            _ROOM.give_back()

    def _opened(self) -> int:
        return os.open(self._path, os.O_RDONLY, dir_fd=self._folder)


def read_once(path: str, *, folder: int | None = None) -> bytes:
    """The whole of a file that is read about once a second, or that the kernel gives in several pieces.

    Raises:
        OSError: when it is not there or may not be read.
    """
    fd = os.open(path, os.O_RDONLY, dir_fd=folder)
    try:
        text = os.read(fd, _READ_BYTES)
        while more := os.read(fd, _READ_BYTES):
            text += more
        return text
    finally:
        os.close(fd)
