"""Lets one process at a time undo a journal: the watchdog of a drill that died, `leakdrill clean`, or the next run."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import time
from typing import TYPE_CHECKING, Final

from leakdrill.errors import EnvironmentProblem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TIMEOUT_S: Final = 180.0
"""Longer than anything takes that is undone; a namespace may take 90 s."""

_POLL_S: Final = 0.05
_NO_LOCKS: Final = (errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


@contextlib.contextmanager
def locked(fd: int, journal_path: Path, *, timeout_s: float = _TIMEOUT_S) -> Iterator[None]:
    """Hold the lock of the journal that is open as `fd`, which the kernel takes back from whoever dies.

    Without one where there are no locks.

    Raises:
        EnvironmentProblem: when another process holds it for longer than `timeout_s`.
    """
    try:
        deadline = time.monotonic() + timeout_s
        while not _lock(fd):
            if time.monotonic() > deadline:
                raise EnvironmentProblem(
                    f"{journal_path}: another process has been undoing it for {timeout_s:.0f} s",
                    hint="is one stopped? `fuser` on this file names it",
                )
            time.sleep(_POLL_S)
        yield
    finally:
        fcntl.flock(fd, fcntl.LOCK_UN)


def say_alive(fd: int) -> None:
    """Hold a lock that says that the drill which writes the journal open as `fd` lives; it goes with this process.

    It is one of POSIX': a fork of the drill has no part in it, and a file server passes it on to other machines.
    """
    with contextlib.suppress(OSError):  # not every file system has locks; then the header alone says who it is
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def drill_lives(fd: int) -> bool:
    """Whether another process says that it is the drill which writes the journal open as `fd`."""
    try:
        fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        fcntl.lockf(fd, fcntl.LOCK_UN)
    except OSError as e:
        return e.errno in (errno.EWOULDBLOCK, errno.EACCES)
    return False


def _lock(fd: int) -> bool:
    """Whether the lock is ours, or the file system has none."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as e:
        if e.errno not in _NO_LOCKS:
            raise
    return True
