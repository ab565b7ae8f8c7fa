"""A service's own memory: its size, and the release of what is free."""

from __future__ import annotations

import ctypes
import gc
import platform
from collections import Counter
from pathlib import Path
from typing import Final

_FIELDS: Final = {"VmRSS": "rss_bytes", "RssAnon": "rss_anon_bytes", "RssFile": "rss_file_bytes"}

_M_MMAP_THRESHOLD: Final = -3


def resident() -> dict[str, int]:
    """Resident bytes of this process, in all, anonymous and of files, from /proc/self/status."""
    found: dict[str, int] = {}
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        if name in _FIELDS:
            found[_FIELDS[name]] = int(rest.split()[0]) * 1024
    return found


def top_types(count: int) -> dict[str, int]:
    """The `count` most frequent types among the objects that the collector tracks, with how many there are."""
    names = Counter(f"{type(o).__module__}.{type(o).__qualname__}" for o in gc.get_objects())
    return dict(names.most_common(count))


def collect() -> dict[str, object]:
    """Run the collector and hand free heap pages back to the system.

    CPython frees to malloc, and glibc keeps what it freed in the middle of its heap: without `malloc_trim` RSS stays
    up although nothing is held. Where the C library is not glibc, `trimmed` is false.
    """
    gc.unfreeze()
    unreachable = gc.collect()
    return {"unreachable": unreachable, "trimmed": trim()}


def map_large_blocks(threshold_bytes: int) -> bool:
    """Have the allocator map each block of at least `threshold_bytes` by itself; whether the C library can.

    Such a block goes back to the system as soon as it is freed. Left alone, glibc raises its own threshold to the
    largest block freed so far, and then keeps the next ones in its heap.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    return bool(ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, threshold_bytes))


def trim() -> bool:
    """Hand free heap pages back to the system; whether the C library can."""
    if platform.libc_ver()[0] != "glibc":
        return False
    ctypes.CDLL(None).malloc_trim(0)
    return True
