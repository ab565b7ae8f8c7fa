"""What it means that a file of the run folder cannot be written: the disk is full or gone, and the run has to end."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from leakdrill.errors import EnvironmentProblem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DISK_IS_LOST: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.ESTALE, errno.ENODEV})
"""The errors of a disk that is full, broken, gone or no longer writable: no mistake of whoever named the folder."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Write `path`, a file of the run, in the block.

    Raises:
        EnvironmentProblem: when it cannot be written.
    """
    try:
        yield
    except OSError as e:
        raise unwritable(path, e) from e


def unwritable(path: Path, error: OSError) -> EnvironmentProblem:
    """The error that ends a run because `path` cannot be written."""
    return EnvironmentProblem(
        f"{path}: cannot be written: {error.strerror or error}",
        hint="make room on that disk, or name another with --runs; a run that it ended was undone",
    )
