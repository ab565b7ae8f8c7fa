"""The bytes that Python's own allocator has given out, exactly.

A count of blocks says that something is left behind, not how large it is: a block has 16 to 512 bytes. Resident
memory does not say either, because a test process has room from earlier tests in its arenas, and a leak fills that
first: one of 96 bytes a call was measured as 8. The interpreter knows, but prints it (`sys._debugmallocstats`, CPython
only) to the C library's stderr, so descriptor 2 points into a memory file for the half millisecond that it takes; what
another thread writes to it in that time is lost.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Final

_IN_BLOCKS: Final = re.compile(rb"^# bytes in allocated blocks\s*=\s*([\d,]+)", re.MULTILINE)
_STDERR: Final = 2


def small_object_bytes() -> float:
    """Returns the bytes in blocks of Python's allocator for small objects; -1 where it cannot be asked.

    0 with PYTHONMALLOC=malloc, which leaves it without work.
    """
    if not hasattr(sys, "_debugmallocstats"):
        return -1.0
    if not sys.getallocatedblocks():
        return 0.0
    try:
        match = _IN_BLOCKS.search(_printed())
    except OSError:  # descriptor 2 is closed, or there is no room for another one
        return -1.0
    return float(match[1].replace(b",", b"")) if match else -1.0


def _printed() -> bytes:
    memory = os.memfd_create("leakdrill")
    try:
        stderr = os.dup(_STDERR)
        try:
            os.dup2(memory, _STDERR)
            sys._debugmallocstats()  # noqa: SLF001 - documented in the sys module's page, underscore and all
        finally:
            os.dup2(stderr, _STDERR)
            os.close(stderr)
        return os.pread(memory, os.fstat(memory).st_size, 0)
    finally:
        os.close(memory)
