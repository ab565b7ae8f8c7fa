"""All memory of the watched command, whoever of its processes holds it, and however shortly.

With a control group the kernel counts (see meters/charged_memory.py). Without one its processes are read, and the files
in memory that they hold open; what then cannot be seen is known for the whole machine only: more files in memory than
before may be the command's or somebody else's, so they raise what its peak may have been at most.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from leakdrill.meters.charged_memory import ChargedMemory
from leakdrill.meters.files_in_memory import FilesInMemory, huge_pages_bytes, shmem_bytes
from leakdrill.record.events import WatchMemory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.runs.watch.census import Held


class MemorySource(Protocol):
    """What knows of memory that no process shows."""

    def read(self) -> WatchMemory | None:
        """All memory now, and the peak since the reading before; None when only the processes tell."""

    def files_bytes(self, held: Mapping[int, Held]) -> float:
        """Files in memory that the command keeps and none of the processes of `held` maps."""

    def unsure_bytes(self, held: Mapping[int, Held]) -> float:
        """What may be the command's beside all that is known."""

    def close(self) -> None:
        """Close what is open."""


class GroupMemory:
    """The memory of a control group, and huge pages, which version 1 does not charge to it."""

    def __init__(self, cgroup: Cgroup) -> None:
        self._charged = ChargedMemory(cgroup)
        self._huge_before = huge_pages_bytes()
        self._shmem_bytes = 0.0

    def read(self) -> WatchMemory | None:
        """All memory now; None when the group is gone.

        More huge pages on the machine may be the command's, where the group does not tell its own.
        """
        reading = self._charged.read()
        if reading is None:
            return None
        charge, bounds = reading
        huge = 0.0 if charge.hugetlb_bytes else max(huge_pages_bytes() - self._huge_before, 0.0)
        self._shmem_bytes = charge.shmem_bytes
        return WatchMemory(
            charge.memory_bytes + huge,
            bounds.low_bytes,
            None if charge.peak_bytes is None else bounds.high_bytes + huge,
            cache_bytes=charge.cache_bytes,
            anon_bytes=charge.anon_bytes,
            shmem_bytes=charge.shmem_bytes,
            swap_bytes=charge.swap_bytes,
            kernel_bytes=charge.kernel_bytes,
            hugetlb_bytes=charge.hugetlb_bytes + huge,
            clock_s=time.monotonic(),
        )

    def files_bytes(self, held: Mapping[int, Held]) -> float:
        """What the group is charged for and no process maps."""
        return max(self._shmem_bytes - sum(one.shmem_bytes for one in held.values()), 0.0)

    def unsure_bytes(self, held: Mapping[int, Held]) -> float:  # noqa: ARG002 - the kernel knows
        """Nothing: the kernel knows whose it is."""
        return 0.0

    def close(self) -> None:
        """Close the group's files."""
        self._charged.close()


class UngroupedMemory:
    """What is known of files in memory without a control group."""

    def __init__(self) -> None:
        self._files = FilesInMemory()
        self._before_bytes = _machine_bytes()

    def read(self) -> WatchMemory | None:
        """None: only the processes tell."""
        return None

    def files_bytes(self, held: Mapping[int, Held]) -> float:
        """Files that processes hold open, less what of them may be mapped."""
        opened = sum(self._files.opened(held).values())
        return max(opened - sum(one.shmem_bytes for one in held.values()), 0.0)

    def unsure_bytes(self, held: Mapping[int, Held]) -> float:
        """The files in memory and huge pages that the machine has more than before, and the command does not show."""
        shown = sum(one.shmem_bytes + one.huge_bytes for one in held.values()) + self.files_bytes(held)
        return max(_machine_bytes() - self._before_bytes - shown, 0.0)

    def close(self) -> None:
        """There is nothing to close."""


def _machine_bytes() -> float:
    return shmem_bytes() + huge_pages_bytes()
