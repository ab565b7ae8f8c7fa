"""The clock that published series go by: the machine's, or that of a record that is played again."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks in one: readings grow old by one of them, and times of day are told by the other."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""

    def time(self) -> float:
        """Unix time."""


class SystemClock:
    """The clock of this machine."""

    @staticmethod
    def monotonic() -> float:
        """Seconds since the machine was started, or some other moment."""
        return time.monotonic()

    @staticmethod
    def time() -> float:
        """Unix time."""
        return time.time()


SYSTEM_CLOCK: Clock = SystemClock()
