"""The fill level of the target's disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from leakdrill.record.events import FilesystemDisk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leakdrill.machine.disk import Disk

_BLOCK_BYTES: Final = 512  # the unit of st_blocks, whatever the filesystem
_WALK_EVERY: Final = 5  # walking a folder costs a call per file


class FilesystemMeter:
    """Reads `disk`: a filesystem of its own by statvfs; a plain folder by adding up what its files occupy."""

    event = FilesystemDisk

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self.every = 1 if disk.limited else _WALK_EVERY

    def read(self) -> dict[str, float] | None:
        """Bytes and inodes; a plain folder has no inodes of its own, and a size only when the scenario declares one."""
        return _statvfs(self._disk.path) if self._disk.limited else _walked(self._disk)


def _statvfs(path: Path) -> dict[str, float]:
    status = os.statvfs(path)
    return {
        "size_bytes": status.f_blocks * status.f_frsize,
        "used_bytes": (status.f_blocks - status.f_bfree) * status.f_frsize,
        "free_bytes": status.f_bfree * status.f_frsize,
        "avail_bytes": status.f_bavail * status.f_frsize,
        "files": status.f_files,
        "files_free": status.f_ffree,
    }


def _walked(disk: Disk) -> dict[str, float] | None:
    if not disk.path.is_dir():
        return None
    fields: dict[str, float] = {"used_bytes": sum(_occupied(str(disk.path)))}
    if disk.size_bytes is not None:
        left = max(disk.size_bytes - fields["used_bytes"], 0)
        fields |= {"size_bytes": disk.size_bytes, "free_bytes": left, "avail_bytes": left}
    return fields


def _occupied(folder: str) -> Iterator[int]:
    """Bytes that each file below `folder` occupies; one that goes away meanwhile counts nothing."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _occupied(entry.path)
                else:
                    yield entry.stat(follow_symlinks=False).st_blocks * _BLOCK_BYTES
    except FileNotFoundError:
        return
