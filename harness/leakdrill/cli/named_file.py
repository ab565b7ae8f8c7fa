"""Reads a file that a person names on the command line: a pipe, too, but never without end."""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

from leakdrill.files import MOST_BYTES, read_file
from leakdrill.units import show_size

if TYPE_CHECKING:
    from io import FileIO


def read_named(path: Path, *, most_bytes: int = MOST_BYTES, idle_s: float = 4.0, total_s: float = 60.0) -> bytes:
    """Returns the content of the plain file or the pipe at `path`; `-` is standard input.

    Raises:
        OSError: as `read_file` does; when nobody writes to the pipe for `idle_s`, or still does after `total_s`.
    """
    place = Path("/dev/stdin") if str(path) == "-" else path
    try:
        is_pipe = stat.S_ISFIFO(place.stat().st_mode)
    except (OSError, ValueError):
        is_pipe = False  # `read_file` says what is wrong with it
    if not is_pipe:
        return read_file(place, most_bytes=most_bytes)
    with os.fdopen(os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=0) as pipe:
        return _from_pipe(pipe, most_bytes, idle_s, time.monotonic() + total_s)


def _from_pipe(pipe: FileIO, most_bytes: int, idle_s: float, end: float) -> bytes:
    """Everything that is written to `pipe` until its last writer closes it."""
    content, poll = bytearray(), select.poll()
    poll.register(pipe, select.POLLIN)
    while poll.poll(max(0.0, min(idle_s, end - time.monotonic())) * 1000):
        piece = pipe.read(2**20)
        if piece == b"":
            return bytes(content)
        content += piece or b""
        if len(content) > most_bytes:
            raise OSError(errno.EFBIG, f"is larger than {show_size(most_bytes)}")
    raise OSError(errno.ETIMEDOUT, "is a pipe that was not written to its end in time")
