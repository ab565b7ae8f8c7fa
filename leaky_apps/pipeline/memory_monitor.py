"""Refuses work when memory is short: a 503 that a client can retry is better than the kernel's SIGKILL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class MemoryBudgetExceeded(Exception):  # noqa: N818 - says what happened
    """More memory is in use than allowed."""


class MemoryMonitor:
    """Knows how much memory is in use, and how much may be.

    Args:
        used_bytes: reads what is in use.

    Attributes:
        max_memory_bytes: the budget; 0 turns the monitor off.
        exceeded: how often the budget was found exceeded.
    """

    def __init__(self, used_bytes: Callable[[], int], max_memory_bytes: int = 0) -> None:
        self._used_bytes = used_bytes
        self.max_memory_bytes = max_memory_bytes
        self.exceeded = 0

    def check_memory_usage(self) -> None:
        """Return when there is memory left for work.

        Raises:
            MemoryBudgetExceeded: when there is none.
        """
        if not self.max_memory_bytes:
            return
        used = self._used_bytes()
        if used > self.max_memory_bytes:
            self.exceeded += 1
            raise MemoryBudgetExceeded(f"{used} bytes are in use; the budget is {self.max_memory_bytes}")


def anonymous_bytes(pid: int) -> int:
    """Resident bytes of process `pid` that no file backs; 0 when it is gone. See statm in proc(5)."""
    try:
        _, resident, shared = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[:3]
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return (int(resident) - int(shared)) * _PAGE_BYTES
