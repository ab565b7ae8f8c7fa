"""The owners of a device's memory: the target, another process, or nobody that NVML lists.

NVML names processes by the numbers of the namespace in which the driver sees them, which is the machine's own. Where we
run inside another PID namespace, and it lists a process that we cannot see, its numbers are not ours and nothing is
attributed: a coincidence of numbers must not make another tenant's memory the target's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_FIRST_NAMESPACE: Final = 0xEFFFFFFC
"""The inode of the machine's own PID namespace: PROC_PID_INIT_INO of the kernel's include/linux/proc_ns.h."""


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of a device's memory by owner; None where a share is not known.

    Attributes:
        own: bytes of the target's processes.
        others: bytes of the other processes.
        by_pid: bytes of each that the driver tells.
        foreign: the processes that are not the target's.
    """

    own: float | None
    others: float | None
    by_pid: Mapping[int, float]
    foreign: tuple[int, ...]

    def fields(self, used_bytes: float | None) -> dict[str, float]:
        """The shares as named numbers; those that are not known are left out."""
        figures = {"own_bytes": self.own, "others_bytes": self.others}
        if None not in (self.own, self.others, used_bytes):
            figures["elsewhere_bytes"] = max(0.0, (used_bytes or 0.0) - (self.own or 0.0) - (self.others or 0.0))
        named = {f"pid{pid}_bytes": held for pid, held in self.by_pid.items()}
        return {name: value for name, value in figures.items() if value is not None} | named


def split(
    listed: Mapping[int, float | None] | None, own: Collection[int], *, visible: Collection[int], all_visible: bool
) -> Shares:
    """Divide what a device's processes hold.

    Args:
        listed: bytes by process, as NVML says; None where it does not list them.
        own: the target's processes.
        visible: those of `listed` that exist for us.
        all_visible: whether we would see every process of the machine.
    """
    if listed is None or (not all_visible and any(pid not in visible for pid in listed)):
        return Shares(None, None, {}, ())
    foreign = tuple(pid for pid in listed if pid not in own)
    by_pid = {pid: float(held) for pid, held in listed.items() if held is not None}
    return Shares(
        own=_sum(by_pid, [pid for pid in listed if pid in own]),
        others=_sum(by_pid, foreign),
        by_pid=by_pid,
        foreign=foreign,
    )


def _sum(by_pid: Mapping[int, float], pids: Collection[int]) -> float | None:
    return sum(by_pid[pid] for pid in pids) if all(pid in by_pid for pid in pids) else None


def sees_all_processes() -> bool:
    """Whether this process is in the machine's own PID namespace."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino == _FIRST_NAMESPACE
    except OSError:
        return False


def exists(pid: int) -> bool:
    """Whether a process of this number is there for us."""
    return Path(f"/proc/{pid}").exists()


def program(pid: int) -> str:
    """The name of a process; `?` when it is gone or cannot be seen."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip() or "?"
    except OSError:
        return "?"
