"""What a control group is charged with, version 1 and 2, and the peak between two readings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leakdrill.machine.cgroup import Cgroup
from leakdrill.meters.charged_memory import Charge, ChargedMemory, bounds, charge_v1, charge_v2

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024**2

V1_STAT = b"""\
cache 73400320
rss 4096000
shmem 31457280
swap 0
total_cache 73400320
total_rss 4096000
total_shmem 31457280
total_swap 8192
total_inactive_anon 35553280
total_active_anon 0
total_inactive_file 20971520
total_active_file 10485760
total_unevictable 10485760
"""

# Linux 6.8, a command with 40 MiB in a tmpfs and 300 MiB of page cache.
V2_STAT = b"""\
anon 5242880
file 356515840
kernel 4194304
kernel_stack 65536
pagetables 524288
sec_pagetables 0
percpu 1024
sock 2097152
vmalloc 0
shmem 41943040
zswap 0
file_mapped 1048576
inactive_anon 47185920
active_anon 0
inactive_file 300000000
active_file 14572800
unevictable 0
slab_reclaimable 2097152
slab_unreclaimable 1048576
slab 3145728
"""


def test_version_1_counts_everything_but_page_cache_that_can_be_taken_back():
    charge = charge_v1({"usage": b"80000000", "peak": b"90000000", "stat": V1_STAT, "kernel": b"500000", "tcp": b"7"})
    assert charge.memory_bytes == 80000000 + 7 - 20971520 - 10485760
    assert (charge.peak_bytes, charge.shmem_bytes, charge.swap_bytes) == (90000000, 31457280, 8192)
    assert charge.kernel_bytes == 500007


def test_version_2_adds_swap_and_huge_pages_and_leaves_out_what_the_kernel_can_take_back():
    charge = charge_v2(
        {"usage": b"370000000", "peak": b"400000000", "stat": V2_STAT, "swap": b"1000", "swap_peak": b"2000",
         "hugetlb.2MB.current": b"4194304"}
    )  # fmt: skip
    cache = 300000000 + 14572800 + 2097152
    assert charge.cache_bytes == cache
    assert charge.memory_bytes == 370000000 + 1000 + 4194304 - cache
    assert charge.peak_bytes == 400000000 + 2000 + 4194304
    assert (charge.shmem_bytes, charge.hugetlb_bytes) == (41943040, 4194304)
    assert charge.kernel_bytes == 4194304 - 2097152 + 2097152


def test_version_2_does_not_count_huge_pages_twice_where_they_are_accounted_with_the_rest():
    stat = V2_STAT + b"hugetlb 4194304\n"
    charge = charge_v2({"usage": b"370000000", "stat": stat, "hugetlb.2MB.current": b"4194304"})
    assert charge.hugetlb_bytes == 0
    assert charge.peak_bytes is None


def at(memory: float, peak: float | None, cache: float = 0.0) -> Charge:
    return Charge(memory_bytes=memory * MIB, peak_bytes=None if peak is None else peak * MIB, cache_bytes=cache * MIB)


@pytest.mark.parametrize(
    ("before", "after", "attained", "stale", "low", "high"),
    [
        (at(10, 10), at(10, 500), True, False, 500, 500),  # a peak between two readings
        (at(10, 10), at(10, 110, 100), True, False, 10, 110),  # a file was written: cache, or a peak before it
        (at(10, 300, 200), at(10, 300, 200), True, False, 100, 100),  # the cache stayed
        (at(10, 300), at(10, 300), False, True, 10, 10),  # an old peak that cannot be reset
        (at(10, 11), at(10, 11), False, False, 10, 11),  # no new one
        (at(10, None), at(12, None), False, False, 12, 12),  # a kernel that keeps none
    ],
)
def test_the_peak_between_two_readings_has_two_bounds(before, after, attained, stale, low, high):
    found = bounds(before, after, attained=attained, stale=stale)
    assert (found.low_bytes / MIB, found.high_bytes / MIB) == (low, high)


def group(folder: Path, **files: bytes) -> Cgroup:
    for name, text in files.items():
        (folder / f"memory.{name.replace('__', '.')}").write_bytes(text)
    return Cgroup(version=2, memory=folder)


def test_a_version_2_group_is_read_from_its_files(tmp_path):
    cgroup = group(tmp_path, current=b"400000000\n", peak=b"400000000\n", stat=V2_STAT, swap__current=b"0\n")
    memory = ChargedMemory(cgroup)
    (tmp_path / "memory.peak").write_bytes(b"900000000\n")
    charge, since = memory.read()
    assert charge.shmem_bytes == 41943040
    assert since.high_bytes == 900000000 - charge.cache_bytes
    memory.close()


def test_a_group_without_a_peak_is_read_and_says_so(tmp_path):
    memory = ChargedMemory(group(tmp_path, current=b"400000000\n", stat=V2_STAT))
    charge, since = memory.read()
    assert charge.peak_bytes is None
    assert since.low_bytes == charge.memory_bytes


@pytest.mark.parametrize("broken", [b"", b"anon\n", b"anon 5\n", b"inactive_file x\nactive_file 3\n"])
def test_a_group_that_cannot_be_read_gives_no_reading(tmp_path, broken):
    memory = ChargedMemory(group(tmp_path, current=b"400000000\n", peak=b"400000000\n", stat=V2_STAT))
    (tmp_path / "memory.stat").write_bytes(broken)
    assert memory.read() is None
