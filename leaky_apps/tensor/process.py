"""The set-up of the process before it serves: threads, the collector, and the C library's allocator."""

from __future__ import annotations

import ctypes
import gc
import platform
from typing import Final

import torch

_M_MMAP_THRESHOLD: Final = -3
_M_TRIM_THRESHOLD: Final = -1
_BLOCK_BYTES: Final = 32 * 1024
"""Half of the smallest tensor that is kept: a small object that stays must not spoil the hole of one that went."""


def prepare() -> None:
    """One thread for torch, no automatic collection, and freed tensors that leave the process at once.

    The collector is off, as inference services often have it because a collection stops every request; nothing here
    needs it while the leaks are off. glibc raises its threshold for memory maps with the first large block that is
    freed, and from then on keeps what is freed: with a fixed one, resident memory follows what is held.
    """
    torch.set_num_threads(1)
    gc.disable()
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _BLOCK_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, _BLOCK_BYTES)


def settle() -> None:
    """Give back what was needed to start: a later collection should find what the requests left, and nothing else."""
    gc.collect()
    gc.freeze()
    trim()


def trim() -> bool:
    """Hand free heap pages back to the system; false where the C library cannot."""
    if platform.libc_ver()[0] != "glibc":
        return False
    ctypes.CDLL(None).malloc_trim(0)
    return True
