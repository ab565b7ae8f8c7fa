"""Huge pages that programs ask for: they are no part of resident memory, nor of a control group's anonymous memory.

The kernel tells them of a process in `HugetlbPages` of its status, and of a control group through a controller of their
own, which a version 1 machine need not have; there the group's processes are asked. Hardly any machine has such pages,
so nothing is read where the kernel keeps none. Sources: proc(5), and the kernel's admin-guide/mm/hugetlbpage.rst,
cgroup-v1/hugetlb.rst.
"""

from __future__ import annotations

import contextlib
import re
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leakdrill.meters.kernel_file import read_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_KIB: Final = 1024
_ASKED_EVERY_S: Final = 1.0
_POOLS: Final = Path("/sys/kernel/mm/hugepages")
_HELD: Final = re.compile(rb"^HugetlbPages:\s+(\d+) kB", re.MULTILINE)


def any_huge_pages(pools: Path = _POOLS) -> bool:
    """Whether the kernel keeps huge pages of any size, used or not."""
    for count in _counts(pools):
        with contextlib.suppress(OSError, ValueError):
            if int(read_once(count)):
                return True
    return False


class HugePagePools:
    """Whether the kernel keeps huge pages, asked once a second: that is set up by hand, and several meters ask.

    Args:
        pools: where the kernel tells.
        clock: seconds, never stepping back.
    """

    def __init__(self, pools: Path = _POOLS, clock: Callable[[], float] = time.monotonic) -> None:
        self._pools, self._clock = pools, clock
        self._asked_at = float("-inf")
        self._any = False

    def in_use(self) -> bool:
        """Whether it kept any, a second ago at the most."""
        now = self._clock()
        if now - self._asked_at >= _ASKED_EVERY_S:
            self._any, self._asked_at = any_huge_pages(self._pools), now
        return self._any


POOLS: Final = HugePagePools()
"""Those of this machine."""


@cache
def _counts(pools: Path) -> tuple[str, ...]:
    """The file for each size that this processor has, which never changes."""
    return tuple(map(str, pools.glob("hugepages-*/nr_hugepages")))


def parse_status(text: bytes) -> float:
    """The bytes of huge pages in the content of `/proc/PID/status`; 0 on a kernel that does not tell."""
    found = _HELD.search(text)
    return float(found[1]) * _KIB if found else 0.0


def held_by(pids: Iterable[int], proc: Path = Path("/proc")) -> float:
    """The bytes of huge pages that processes map; those that several share count for each."""
    total = 0.0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += parse_status((proc / str(pid) / "status").read_bytes())
    return total


def group_files(memory: Path, version: int) -> Iterator[Path]:
    """The files in which a control group's huge pages are told, one for each size.

    Args:
        memory: the group's folder, in version 1 that of the memory controller; the other one has the same path.
        version: of control groups.
    """
    if version == 1:
        parts = ["hugetlb" if part == "memory" else part for part in memory.parts]
        memory, ending = Path(*parts), ".usage_in_bytes"
    else:
        ending = ".current"
    for file in sorted(memory.glob(f"hugetlb.*{ending}")):
        if ".rsvd." not in file.name:
            yield file
