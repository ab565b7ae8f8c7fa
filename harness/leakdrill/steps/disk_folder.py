"""A folder on the target's disk, held open, in which files are read, written and removed without following a link.

The service may write on its disk what it likes and when it likes: a link in the place of a log, or of an archive that
is about to be written, would have the step write to somebody else's file. So a path is walked once, component by
component, and all that follows names files in the folder that this led to.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING, BinaryIO, Final, Self, cast

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE


class DiskFolder:
    """The folder of `file`, which lies below `root`; a context manager.

    Raises:
        OSError: when a component is a link or no folder.
    """

    def __init__(self, root: Path, file: Path) -> None:
        self.path = file.parent
        self._folder = os.open(root, _FOLDER & ~os.O_NOFOLLOW)
        for part in file.parent.relative_to(root).parts:
            outer = self._folder
            try:
                self._folder = os.open(part, _FOLDER, dir_fd=outer)
            finally:
                os.close(outer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        os.close(self._folder)

    def open(self, name: str, *, write: bool = False) -> BinaryIO:
        """The plain file `name`, to read, or to read and change in its place.

        Raises:
            OSError: when it is a link or no plain file; to be changed, when it has a second name, which may be
                anybody's.
        """
        descriptor = os.open(name, _FILE | (os.O_RDWR if write else os.O_RDONLY), dir_fd=self._folder)
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or (write and state.st_nlink > 1):
            os.close(descriptor)
            why = "is no file" if not stat.S_ISREG(state.st_mode) else "has another name elsewhere (a hard link)"
            raise OSError(errno.EINVAL, why, str(self.path / name))
        return cast("BinaryIO", os.fdopen(descriptor, "r+b" if write else "rb", buffering=0))

    def create(self, name: str, *, like: os.stat_result) -> BinaryIO:
        """A new file in the place of whatever is called so, with the mode of the file `like`, and its owner's.

        Raises:
            OSError: when there is no room, or a folder of this name.
        """
        self.remove(name)
        descriptor = os.open(name, _NEW, 0o600, dir_fd=self._folder)
        os.fchmod(descriptor, like.st_mode & 0o777)
        with contextlib.suppress(OSError):  # only root may; then it is ours, as every file that we write
            os.fchown(descriptor, like.st_uid, like.st_gid)
        return cast("BinaryIO", os.fdopen(descriptor, "wb"))

    def status(self, name: str) -> os.stat_result:
        """What the kernel says of `name` itself; raises FileNotFoundError."""
        return os.stat(name, dir_fd=self._folder, follow_symlinks=False)

    def has(self, name: str) -> bool:
        """Whether anything is called so."""
        try:
            self.status(name)
        except FileNotFoundError:
            return False
        return True

    def rename(self, name: str, other: str) -> None:
        """Give `name` the name `other`, in the place of what had it; raises OSError."""
        os.replace(name, other, src_dir_fd=self._folder, dst_dir_fd=self._folder)

    def remove(self, name: str) -> None:
        """Remove `name` itself, if it is there; raises OSError for a folder."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._folder)

    def set_times(self, name: str, like: os.stat_result) -> None:
        """Give `name` the times of the file `like`; raises OSError."""
        times = (like.st_atime_ns, like.st_mtime_ns)
        os.utime(name, ns=times, dir_fd=self._folder, follow_symlinks=False)

    def free_bytes(self) -> int:
        """How much may still be written here."""
        state = os.fstatvfs(self._folder)
        return state.f_bavail * state.f_frsize
