"""Counters that each Locust process keeps in a small mapped file, and the harness reads while they change.

A file per process, no lock, no message: the hot path is two additions in memory. Locust's own worker reports come every
three seconds, which is too coarse for growth per request at ten readings a second.

The file is an array of 64-bit numbers: one for each of the names below, then a histogram of response times that is
0.1 ms fine below 100 ms and 1 % fine above. Each number only grows, so that a reader in the middle of an update is off
by one at most.
"""

from __future__ import annotations

import mmap
import os
import zlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

ANSWERED: Final = 0
FAILED: Final = 1
COMPLETED: Final = 2
ERRORS_AS_SUCCESS: Final = 3
"""Responses with a status of 400 to 499 that the locustfile marked as a success."""
CRASHES_AS_SUCCESS: Final = 4
"""Responses with a status of 500 or more that the locustfile marked as a success."""
EMPTY: Final = 5
"""Responses to a GET with status 200 and nothing in them."""
DIVERTED: Final = 6
"""Requests that were led to a login page, or to the page to which other pages are led as well."""
ELSEWHERE: Final = 7
"""Requests to another host than the target."""
USERS_STARTED: Final = 8
USERS_ENDED: Final = 9
TASKS: Final = 10
"""Tasks begun."""
EXCEPTIONS: Final = 11
"""Exceptions that a task, or a user's `on_start`, did not catch."""
LISTENER_EXCEPTIONS: Final = 12
"""Exceptions of listeners to Locust's `request` event."""
EVENT_EXCEPTIONS: Final = 13
"""Exceptions of listeners to Locust's other events, such as `test_start`."""
FIRST_BUCKET: Final = 16
_BUCKETS: Final = 3701
CELLS: Final = FIRST_BUCKET + _BUCKETS
FILE_BYTES: Final = CELLS * 8
SUFFIX: Final = ".counts"
MASTER: Final = "master"
"""The name of the file of a master, which makes no requests, but has listeners."""


def bucket(response_ms: float) -> int:
    """Returns the histogram cell of a response time in milliseconds; the last one holds 100 s and more."""
    if response_ms < 100:  # noqa: PLR2004 - the bounds are what the module docstring says
        return int(response_ms * 10) if response_ms > 0 else 0
    if response_ms < 1000:  # noqa: PLR2004
        return 900 + int(response_ms)
    if response_ms < 10_000:  # noqa: PLR2004
        return 1800 + int(response_ms / 10)
    return 2700 + int(response_ms / 100) if response_ms < 100_000 else _BUCKETS - 1  # noqa: PLR2004


def bucket_middle_ms(cell: int) -> float:
    """Returns the response time in the middle of a histogram cell, in milliseconds."""
    for first, start_ms, width_ms in ((2800, 10_000, 100), (1900, 1000, 10), (1000, 100, 1)):
        if cell >= first:
            return start_ms + (cell - first + 0.5) * width_ms
    return (cell + 0.5) / 10


def mapped_cells(folder: Path, name: str, cells: bytes | memoryview) -> memoryview:
    """Returns the cells of a new file `folder/<name>.counts`: 64-bit numbers that a `CounterReader` reads.

    They begin as `cells`. The file appears under its name with its full size.
    """
    unfinished = folder / f"{name}.new"
    with unfinished.open("w+b") as file:
        file.write(cells)
        file.flush()
        mapped = mmap.mmap(file.fileno(), FILE_BYTES)
    unfinished.rename(folder / f"{name}{SUFFIX}")
    return memoryview(mapped).cast("Q")


def unpacked(packed: bytes) -> bytes:
    """Returns the cells that `Counters.packed` packed.

    Raises:
        ValueError: when `packed` is anything else.
    """
    try:
        cells = zlib.decompressobj().decompress(packed, FILE_BYTES)
    except zlib.error as e:
        raise ValueError(f"counts that cannot be unpacked: {e}") from e
    if len(cells) != FILE_BYTES:
        raise ValueError(f"counts of {len(cells)} bytes; expected {FILE_BYTES}")
    return cells


class Counters:
    """The counters of one Locust process: in its own memory until `open`, then in a file of its own."""

    def __init__(self) -> None:
        self._cells: memoryview = memoryview(bytearray(FILE_BYTES)).cast("Q")

    def open(self, folder: Path, name: str = "") -> None:
        """Count into `folder/<name>.counts`, or `<pid>.counts`, going on from what was counted so far.

        Called after Locust has forked its workers, or they would share one file. The file appears with its full size.
        """
        self._cells = mapped_cells(folder, name or str(os.getpid()), self._cells.cast("B"))

    def add(self, cell: int) -> None:
        """Count one more in `cell`."""
        self._cells[cell] += 1

    def packed(self) -> bytes:
        """Returns everything counted so far, small enough for a message."""
        return zlib.compress(self._cells.cast("B"), 1)

    @property
    def changes(self) -> int:
        """A number that rises whenever something is counted."""
        return sum(self._cells[:FIRST_BUCKET])

    def on_request(self, response_time: float | None, exception: object, response: Any = None, **_others: Any) -> None:
        """Handle Locust's `request` event: one request ended, after `response_time` milliseconds.

        It is completed when the target answered it, whatever the status and whatever the locustfile makes of it.
        """
        cells = self._cells
        cells[ANSWERED if exception is None else FAILED] += 1
        if exception is None or getattr(response, "status_code", None):
            cells[COMPLETED] += 1
        if response_time is not None:
            cells[FIRST_BUCKET + bucket(response_time)] += 1
