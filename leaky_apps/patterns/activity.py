"""The service's own log: what it processes and how much it holds, on stdout and in a file, a few lines a second.

A line per request would be a leak of its own, on the disk. So each kind of line is written at most so often, and what
it counts goes on counting in between.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Level = Literal["INFO", "WARNING"]
EVERY_S: Final = 0.5


class ActivityLog:
    """Appends to `path` and repeats on stdout. A disk that is full costs lines, counted in `write_errors`.

    Args:
        path: the file; opened for each line, so that rotation and truncation are followed.
        clock: seconds that only go forward.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self.write_errors = 0
        self._clock = clock
        self._last: dict[str, float] = {}

    def say(self, kind: str, text: str, level: Level = "INFO") -> None:
        """Write `text`, unless a line of this `kind` was written less than `EVERY_S` ago."""
        now = self._clock()
        if now - self._last.get(kind, float("-inf")) < EVERY_S:
            return
        self._last[kind] = now
        self.write(text, level)

    def write(self, text: str, level: Level = "INFO") -> None:
        """Write `text`, however soon after the last line."""
        line = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {level} orders {text}\n"
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError:
            self.write_errors += 1
        sys.stdout.write(line)
        sys.stdout.flush()
