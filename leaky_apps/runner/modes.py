"""The three modes of a build, and which one the memory that is found allows.

The thresholds stand to each other as 6, 4 and 2 GB do; a build in a mode needs at most two thirds of its threshold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

from leaky_apps.runner.found_memory import available_bytes, memory_limit_bytes
from leaky_apps.service import memory

if TYPE_CHECKING:
    from collections.abc import Callable

Mode = Literal["optimized", "safe", "critical"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
"""From the fastest to the one that needs least."""

_MIB: Final = 1 << 20
THRESHOLD_BYTES: Final[dict[Mode, int]] = {"optimized": 192 * _MIB, "safe": 128 * _MIB, "critical": 64 * _MIB}
"""So much must be there for one build, or the next smaller mode is taken."""
NEED_BYTES: Final[dict[Mode, int]] = {"optimized": 128 * _MIB, "safe": 64 * _MIB, "critical": 6 * _MIB}
"""What a build holds."""


class Plan:
    """Decides the mode of the next build.

    Attributes:
        mode: of every build; `auto` lets the memory decide.
        pinned: whether every build runs optimized, whatever the memory, the mode and the job say.
        concurrency: how many builds run at once, and so share the memory.
        limit_bytes: what the runner and its builds may use together; found anew each time, for it can be changed.
        own_bytes: what the runner itself holds.
    """

    def __init__(
        self, limit_bytes: Callable[[], int] | None = None, own_bytes: Callable[[], int] | None = None
    ) -> None:
        self.mode: Mode | Literal["auto"] = "auto"
        self.pinned = False
        self.concurrency = 2
        self.limit_bytes = limit_bytes or _found_bytes
        self.own_bytes = own_bytes or _own_bytes

    def share_bytes(self) -> int:
        """The memory that one build may use: an equal part of what the runner itself does not hold."""
        return max(0, self.limit_bytes() - self.own_bytes()) // self.concurrency

    def decide(self, asked: Mode | None) -> Mode:
        """The mode of the next build; `asked` is the largest that its job wants."""
        if self.pinned:
            return "optimized"
        if self.mode != "auto":
            return self.mode
        share = self.share_bytes()
        fitting = next((mode for mode in MODES if THRESHOLD_BYTES[mode] <= share), MODES[-1])
        return max(fitting, asked or fitting, key=MODES.index)


def smaller(mode: Mode) -> Mode | None:
    """The next mode that needs less; None below the smallest."""
    rest = MODES[MODES.index(mode) + 1 :]
    return rest[0] if rest else None


def _own_bytes() -> int:
    return memory.resident()["rss_anon_bytes"]


def _found_bytes() -> int:
    limit = memory_limit_bytes()
    return available_bytes() if limit is None else min(limit, available_bytes() + memory.resident()["rss_bytes"])
