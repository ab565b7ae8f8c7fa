"""Work that costs a declared amount of processor time, on a fast machine and on a slow one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def spend(seconds: float, work: Callable[[], object]) -> int:
    """Repeat `work` until this thread has used `seconds` of processor time, and say how often that was.

    It ends by the first repetition that passes the mark, so one repetition should cost a small part of `seconds`.
    Time in which the thread waits for a processor does not count.
    """
    until = time.thread_time() + seconds
    times = 0
    while time.thread_time() < until:
        work()
        times += 1
    return times
