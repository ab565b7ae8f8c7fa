"""All memory that a control group is charged with, apart from page cache that the kernel takes back at once.

Page cache of ordinary files lies on the kernel's lists `active_file` and `inactive_file`. Everything else that is
charged counts: anonymous pages, files in memory (tmpfs, memfd, System V, shared mappings, which lie on the anonymous
lists), ramfs and locked files (on the unevictable list), swap, huge pages, and kernel memory such as page tables, pipe
and socket buffers. Version 2 names kernel memory that can be taken back (dentries, inodes), which does not count.
Version 1 does not: there, as much as the whole machine has more of it than before is in doubt.

The kernel also keeps the highest charge, page cache included. It is read and reset fifty times a second, so that
between two readings `peak - cache` is known but for what the cache changed meanwhile: a lower and an upper bound.

Sources: the kernel's Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst; mm/memcontrol.c for the pages
that each CPU charges in advance.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.meters.cgroup import pairs
from leakdrill.meters.files_in_memory import reclaimable_kernel_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from leakdrill.machine.cgroup import Cgroup

_READ_BYTES: Final = 16384
_CHARGED_IN_ADVANCE: Final = 64 * os.sysconf("SC_PAGE_SIZE") * (os.cpu_count() or 1)
_TCP_LIMIT: Final = "memory.kmem.tcp.limit_in_bytes"
_TCP_UNLIMITED: Final = 1 << 60
_STALE_BYTES: Final = 1 << 20
_PEAKS: Final = ("peak", "swap_peak", "tcp_peak")
_V1: Final = {
    "usage": "memory.usage_in_bytes",
    "peak": "memory.max_usage_in_bytes",
    "stat": "memory.stat",
    "kernel": "memory.kmem.usage_in_bytes",
    "tcp": "memory.kmem.tcp.usage_in_bytes",
    "tcp_peak": "memory.kmem.tcp.max_usage_in_bytes",
}
_V1_WITH_SWAP: Final = {"usage": "memory.memsw.usage_in_bytes", "peak": "memory.memsw.max_usage_in_bytes"}
_V2: Final = {
    "usage": "memory.current",
    "peak": "memory.peak",
    "stat": "memory.stat",
    "swap": "memory.swap.current",
    "swap_peak": "memory.swap.peak",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What a group is charged with at one moment, in bytes.

    Attributes:
        memory_bytes: all that counts.
        peak_bytes: the highest charge since the last reset, page cache included; None where the kernel does not tell.
        cache_bytes: what the kernel can take back at once, which does not count.
        doubtful_bytes: what may be such, and is not in `memory_bytes`.
        anon_bytes, shmem_bytes, swap_bytes, kernel_bytes, hugetlb_bytes: parts of it, as far as they are told.
    """

    memory_bytes: float
    peak_bytes: float | None
    cache_bytes: float
    doubtful_bytes: float = 0.0
    anon_bytes: float = 0.0
    shmem_bytes: float = 0.0
    swap_bytes: float = 0.0
    kernel_bytes: float = 0.0
    hugetlb_bytes: float = 0.0


def charge_v1(texts: Mapping[str, bytes], reclaimable_bytes: float = 0.0) -> Charge:
    """The charge in the files of a version 1 group; `usage` and `peak` include swap where it is accounted.

    Args:
        texts: the files.
        reclaimable_bytes: how much kernel memory that can be taken back the machine has more than before.

    Raises:
        KeyError: when a file or a figure that is needed is missing.
    """
    stat = pairs(texts["stat"])
    cache = stat[b"total_active_file"] + stat[b"total_inactive_file"]
    tcp, kernel = int(texts.get("tcp", b"0")), int(texts.get("kernel", b"0"))
    doubtful = min(max(reclaimable_bytes, 0.0), kernel)
    peak = int(texts["peak"]) + int(texts.get("tcp_peak", b"0")) if "peak" in texts else None
    return Charge(
        memory_bytes=max(int(texts["usage"]) + tcp - cache - doubtful, 0),
        peak_bytes=peak,
        cache_bytes=cache,
        doubtful_bytes=doubtful,
        anon_bytes=stat.get(b"total_rss", 0),
        shmem_bytes=stat.get(b"total_shmem", 0),
        swap_bytes=stat.get(b"total_swap", 0),
        kernel_bytes=kernel + tcp,
    )


def charge_v2(texts: Mapping[str, bytes]) -> Charge:
    """The charge in the files of a version 2 group; texts named `hugetlb…` are those of its huge page sizes.

    Raises:
        KeyError: when a file or a figure that is needed is missing.
    """
    stat = pairs(texts["stat"])
    cache = stat[b"active_file"] + stat[b"inactive_file"] + stat.get(b"slab_reclaimable", 0)
    swap = int(texts.get("swap", b"0"))
    apart = b"hugetlb" not in stat  # kernels that account huge pages with the rest say so there
    hugetlb = sum(int(text) for name, text in texts.items() if name.startswith("hugetlb")) if apart else 0
    peak = int(texts["peak"]) + int(texts.get("swap_peak", swap)) + hugetlb if "peak" in texts else None
    parts = (b"slab_unreclaimable", b"kernel_stack", b"pagetables", b"percpu", b"vmalloc", b"sock")
    kernel = stat[b"kernel"] - stat.get(b"slab_reclaimable", 0) + stat.get(b"sock", 0) if b"kernel" in stat else None
    return Charge(
        memory_bytes=max(int(texts["usage"]) + swap + hugetlb - cache, 0),
        peak_bytes=peak,
        cache_bytes=cache,
        anon_bytes=stat.get(b"anon", 0),
        shmem_bytes=stat.get(b"shmem", 0),
        swap_bytes=swap,
        kernel_bytes=max(kernel if kernel is not None else sum(stat.get(part, 0) for part in parts), 0),
        hugetlb_bytes=hugetlb,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The highest memory that counted between two readings: at least `low_bytes`, at most `high_bytes`."""

    low_bytes: float
    high_bytes: float


def bounds(before: Charge, after: Charge, *, attained: bool, stale: bool, in_advance_bytes: float = 0.0) -> Bounds:
    """The peak between two readings.

    Args:
        before: the first reading.
        after: the second reading.
        attained: whether `after.peak_bytes` was reached between them.
        stale: whether it may be far above what was charged between them; then only the readings are known.
        in_advance_bytes: what may be charged and not used, which the lower bound leaves out.
    """
    low = max(before.memory_bytes, after.memory_bytes)
    high = max(before.memory_bytes + before.doubtful_bytes, after.memory_bytes + after.doubtful_bytes)
    most_cache = max(before.cache_bytes + before.doubtful_bytes, after.cache_bytes + after.doubtful_bytes)
    if after.peak_bytes is not None and attained:
        low = max(low, after.peak_bytes - most_cache - in_advance_bytes)
    if after.peak_bytes is not None and not stale:
        high = max(high, after.peak_bytes - min(before.cache_bytes, after.cache_bytes))
    return Bounds(low_bytes=low, high_bytes=high)


class ChargedMemory:
    """Reads the charge of `cgroup` again and again; made before anything runs in it."""

    def __init__(self, cgroup: Cgroup) -> None:
        self._version = cgroup.version
        files = _files(cgroup)
        if cgroup.memory and "tcp" in files:
            _count_tcp(cgroup.memory / _TCP_LIMIT)
        self._peaks = {name: fd for name in _PEAKS if name in files and (fd := _writable(files[name])) is not None}
        self._files = self._peaks | {
            name: os.open(path, os.O_RDONLY) for name, path in files.items() if name not in self._peaks
        }
        self._can_reset = "peak" in self._peaks
        self._reclaimable_before = reclaimable_kernel_bytes()
        self._last = self._charge()
        self._was_reset = self._reset()

    @property
    def has_peak(self) -> bool:
        """Whether the kernel keeps the highest charge."""
        return self._last is not None and self._last.peak_bytes is not None

    def read(self) -> tuple[Charge, Bounds] | None:
        """The charge now and the peak since the reading before; None when the group is gone or does not tell."""
        before, now = self._last, self._charge()
        if before is None or now is None:
            return None
        attained = self._was_reset or (now.peak_bytes or 0) > (before.peak_bytes or 0)
        since = bounds(
            before,
            now,
            attained=attained,
            stale=not (attained or self._can_reset),
            in_advance_bytes=_CHARGED_IN_ADVANCE,
        )
        fallen = (now.peak_bytes or 0) > now.memory_bytes + now.doubtful_bytes + now.cache_bytes + _STALE_BYTES
        self._last, self._was_reset = now, fallen and self._reset()
        return now, since

    def close(self) -> None:
        """Close the group's files."""
        while self._files:
            os.close(self._files.popitem()[1])

    def _charge(self) -> Charge | None:
        try:
            texts = {name: os.pread(fd, _READ_BYTES, 0) for name, fd in self._files.items()}
            if self._version == 1:
                return charge_v1(texts, reclaimable_kernel_bytes() - self._reclaimable_before)
            return charge_v2(texts)
        except (OSError, KeyError, ValueError):
            return None

    def _reset(self) -> bool:
        try:
            for fd in self._peaks.values():
                os.pwrite(fd, b"0", 0)
        except OSError:
            self._can_reset = False
        return self._can_reset


def _files(cgroup: Cgroup) -> dict[str, Path]:
    """The files of `cgroup` that exist, by the names that the parsers know."""
    folder = cgroup.memory
    if folder is None:
        return {}
    names = _V1 | _V1_WITH_SWAP if (folder / _V1_WITH_SWAP["usage"]).exists() else _V1
    files = {name: folder / file for name, file in (names if cgroup.version == 1 else _V2).items()}
    if cgroup.version != 1:
        files |= {file.name: file for file in folder.glob("hugetlb.*.current") if ".rsvd." not in file.name}
    return {name: path for name, path in files.items() if path.exists()}


def _writable(path: Path) -> int | None:
    """The file, opened so that writing to it resets the peak; None where this kernel has no reset (before 6.12)."""
    try:
        return os.open(path, os.O_RDWR)
    except OSError:
        return None


def _count_tcp(limit: Path) -> None:
    """Have version 1 count TCP buffers: it does so only in a group that has a limit on them, and this one is none."""
    with contextlib.suppress(OSError):
        limit.write_text(str(_TCP_UNLIMITED))
