"""Lets one process at a time undo a journal: the watchdog of a drill that died, `leakdrill clean`, or the next run."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
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
def locked(journal_path: Path, *, timeout_s: float = _TIMEOUT_S) -> Iterator[None]:
    """Hold the journal's lock, which the kernel takes back from whoever dies; without one where there are no locks.

    Raises:
        EnvironmentProblem: when another process holds it for longer than `timeout_s`.
    """
    fd = os.open(journal_path, os.O_RDONLY | os.O_CLOEXEC)
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
        os.close(fd)


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
