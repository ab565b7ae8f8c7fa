"""The fill level of a disk that lies elsewhere, from `df` where the target runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.record.events import FilesystemDisk

if TYPE_CHECKING:
    from collections.abc import Callable

_KIB: Final = 1024
_COLUMNS: Final = 6  # of `df -Pk`, POSIX: filesystem, size, used, available, capacity, mount point


class DiskInsideMeter:
    """Reads what `df -Pk DISK` prints; a command inside is costly, so once a second.

    Args:
        run_df: runs it and returns its output. Raises OSError when it cannot be run.
    """

    event = FilesystemDisk
    every = 10

    def __init__(self, run_df: Callable[[], bytes]) -> None:
        self._run_df = run_df

    def read(self) -> dict[str, float] | None:
        """Bytes; None while the target is down."""
        return parse_df(self._run_df())


def parse_df(text: bytes) -> dict[str, float] | None:
    """The last line of `df -Pk` by our names; None where that is no such line."""
    columns = (text.splitlines() or [b""])[-1].split()
    if len(columns) != _COLUMNS or not all(column.isdigit() for column in columns[1:4]):
        return None
    size, used, available = (int(column) * _KIB for column in columns[1:4])
    return {
        "size_bytes": float(size),
        "used_bytes": float(used),
        "free_bytes": float(size - used),
        "avail_bytes": float(available),
    }
