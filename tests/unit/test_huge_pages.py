"""Huge pages count as memory wherever a kernel tells of them: of a process, and of a control group."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leakdrill.machine.cgroup import Cgroup
from leakdrill.meters.cgroup import CgroupMeter
from leakdrill.meters.huge_pages import POOLS, HugePagePools, any_huge_pages, group_files, held_by, parse_status
from leakdrill.meters.process import ProcessTreeMeter, SmapsMeter, with_huge_pages
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1024**2
PAGES = Path("/proc/sys/vm/nr_hugepages")
STATUS = b"Name:\tgateway\nVmSwap:\t       0 kB\nHugetlbPages:\t   49152 kB\nThreads:\t1\n"
ROLLUP = b"""Rss: 30720 kB
Pss: 20480 kB
Private_Clean: 0 kB
Private_Dirty: 18432 kB
Anonymous: 17408 kB
Shared_Hugetlb: 4096 kB
Private_Hugetlb: 2048 kB
"""
V1_STAT = "total_rss 1048576\ntotal_shmem 2097152\ntotal_swap 0\ntotal_inactive_file 0\ntotal_cache 0\n"
V2_STAT = "anon 1048576\nshmem 2097152\ninactive_file 0\nfile 2097152\n"
HOLD = """
import mmap, sys
memory = mmap.mmap(-1, 16 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000)
for place in range(0, 16 << 20, 4096):
    memory[place] = 1
print("held", flush=True)
sys.stdin.read()
"""


def test_a_process_tells_of_them_in_its_status() -> None:
    assert parse_status(STATUS) == 48 * MIB
    assert parse_status(b"Name:\tgateway\n") == 0


def test_a_process_that_is_gone_holds_none(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").write_bytes(STATUS)
    assert held_by([7, 8], tmp_path) == 48 * MIB


def test_a_kernel_that_keeps_none_is_told_apart(tmp_path: Path) -> None:
    assert not any_huge_pages(tmp_path / "none")
    pool = tmp_path / "hugepages-2048kB"
    pool.mkdir()
    (pool / "nr_hugepages").write_text("0\n")
    assert not any_huge_pages(tmp_path)
    (pool / "nr_hugepages").write_text("64\n")
    assert any_huge_pages(tmp_path)


def test_the_kernel_is_asked_for_them_once_a_second(tmp_path: Path) -> None:
    pool, now = tmp_path / "hugepages-2048kB", [10.0]
    pool.mkdir()
    (pool / "nr_hugepages").write_text("0\n")
    pools = HugePagePools(tmp_path, lambda: now[0])
    assert not pools.in_use()
    (pool / "nr_hugepages").write_text("64\n")
    now[0] = 10.9
    assert not pools.in_use()
    now[0] = 11.0
    assert pools.in_use()


def test_each_kind_of_resident_memory_has_them() -> None:
    fields = with_huge_pages(ROLLUP)
    assert fields == {
        "pss_bytes": 26 * MIB,
        "uss_bytes": 24 * MIB,
        "anon_bytes": 23 * MIB,
        "hugetlb_bytes": 6 * MIB,
    }


def test_a_group_of_version_1_has_a_controller_for_them(tmp_path: Path) -> None:
    memory, huge = tmp_path / "memory" / "job", tmp_path / "hugetlb" / "job"
    for folder in (memory, huge):
        folder.mkdir(parents=True)
    (memory / "memory.usage_in_bytes").write_text("3145728\n")
    (memory / "memory.stat").write_text(V1_STAT)
    (huge / "hugetlb.2MB.usage_in_bytes").write_text("4194304\n")
    (huge / "hugetlb.2MB.rsvd.usage_in_bytes").write_text("8388608\n")
    (huge / "hugetlb.1GB.usage_in_bytes").write_text("0\n")
    assert [file.name for file in group_files(memory, 1)] == [
        "hugetlb.1GB.usage_in_bytes",
        "hugetlb.2MB.usage_in_bytes",
    ]
    meter = CgroupMeter(Cgroup(version=1, memory=memory))
    assert (meter.read() or {})["memory_bytes"] == 7 * MIB
    meter.close()


def test_a_group_of_version_2_tells_of_every_size(tmp_path: Path) -> None:
    (tmp_path / "memory.current").write_text("3145728\n")
    (tmp_path / "memory.stat").write_text(V2_STAT)
    (tmp_path / "hugetlb.32MB.current").write_text("33554432\n")
    (tmp_path / "hugetlb.32MB.rsvd.current").write_text("99\n")
    meter = CgroupMeter(Cgroup(version=2, memory=tmp_path))
    assert (meter.read() or {})["memory_bytes"] == 35 * MIB
    meter.close()
    (tmp_path / "memory.stat").write_text(V2_STAT + "hugetlb 33554432\n")
    meter = CgroupMeter(Cgroup(version=2, memory=tmp_path))
    assert (meter.read() or {})["memory_bytes"] == 3 * MIB
    meter.close()


@contextmanager
def _pool(pages: int) -> Iterator[None]:
    """So many huge pages, for as long; skips where this machine gives none."""
    before = PAGES.read_text() if PAGES.exists() else ""
    try:
        PAGES.write_text(str(pages))
    except OSError as e:
        pytest.skip(f"this machine gives no huge pages: {e}")
    try:
        if int(PAGES.read_text()) < pages:
            pytest.skip(f"this machine has no room for {pages} huge pages")
        wait_for(POOLS.in_use, what="the kernel's word of them", timeout_s=10)
        yield
    finally:
        PAGES.write_text(before)


def test_a_process_that_holds_them_is_measured_with_them() -> None:
    if not hasattr(mmap, "MAP_ANONYMOUS") or os.geteuid():
        pytest.skip("only root sets huge pages aside")
    with _pool(16):
        child = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == b"held\n"
            tree, smaps = ProcessTreeMeter(lambda: [child.pid]), SmapsMeter(lambda: [child.pid])
            resident, kinds = tree.read() or {}, smaps.read() or {}
            tree.close()
        finally:
            child.kill()
            child.communicate()
    assert resident["hugetlb_bytes"] == kinds["hugetlb_bytes"] == 16 * MIB
    assert resident["rss_bytes"] > 16 * MIB
    assert kinds["uss_bytes"] <= kinds["pss_bytes"]
    assert kinds["anon_bytes"] > 16 * MIB
