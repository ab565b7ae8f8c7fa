"""A file that stays open is never that of another process, and only so many stay open."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leakdrill.machine.process_tree import group_pids
from leakdrill.meters.kernel_file import KernelFile, read_once
from leakdrill.meters.process import ProcessTreeMeter, SmapsMeter

if TYPE_CHECKING:
    from collections.abc import Iterator

LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
HOLD = "held = b'x' * {}; print(flush=True); input()"
SMALL, LARGE = 1, 60_000_000


def _started(held_bytes: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", "-S", "-c", HOLD.format(held_bytes)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    return child


def _started_as(pid: int) -> subprocess.Popen[bytes]:
    """A large process that has the number `pid`, which is free; skips where the kernel lets nobody choose."""
    for _ in range(50):
        try:
            LAST_PID.write_text(str(pid - 1))
        except OSError as e:
            pytest.skip(f"this machine lets nobody choose a process id: {e}")
        child = _started(LARGE)
        if child.pid == pid:
            return child
        child.communicate(b"\n")  # another process was started in between
    pytest.skip(f"this machine is too busy to start a process with the id {pid}")


@pytest.fixture
def reused() -> Iterator[tuple[ProcessTreeMeter, list[int], int]]:
    """A meter that has read a small process, its list of processes, and the id of that, which a large one has now."""
    first = _started(SMALL)
    pids = [os.getpid(), first.pid]
    meter = ProcessTreeMeter(lambda: pids)
    meter.read()
    first.communicate(b"\n")
    second = _started_as(first.pid)
    yield meter, pids, first.pid
    meter.close()
    second.communicate(b"\n")


def test_who_has_the_number_of_a_process_that_has_ended_is_not_read_as_that(
    reused: tuple[ProcessTreeMeter, list[int], int],
) -> None:
    """While the list has it, it is read as another one: what the first one held has ended, and is told as that."""
    meter, _, _ = reused
    read = meter.read()
    assert read is not None
    assert 0 < read["ended_bytes"] < LARGE
    assert read["processes"] == 2
    again = meter.read()
    assert again is not None
    assert again["ended_bytes"] == read["ended_bytes"], "the second one lives"


def test_who_has_the_number_and_is_no_member_is_not_read(reused: tuple[ProcessTreeMeter, list[int], int]) -> None:
    meter, pids, pid = reused
    pids.remove(pid)
    read = meter.read()
    assert read is not None
    assert read["processes"] == 1
    assert 0 < read["ended_bytes"] < LARGE


def test_a_file_of_a_process_that_has_ended_fails_although_its_number_is_used_again() -> None:
    first = _started(SMALL)
    folder = os.open(f"/proc/{first.pid}", os.O_PATH | os.O_DIRECTORY)
    kept, smaps = KernelFile("stat", folder=folder), SmapsMeter(lambda: [first.pid])
    small = smaps.read()
    first.communicate(b"\n")
    second = _started_as(first.pid)
    try:
        with pytest.raises(ProcessLookupError):
            kept.read()
        with pytest.raises((FileNotFoundError, ProcessLookupError)):
            read_once("stat", folder=folder)
        large = smaps.read()
    finally:
        kept.close()
        os.close(folder)
        second.communicate(b"\n")
    assert small is not None
    assert large is not None
    assert small["pss_bytes"] < LARGE < large["pss_bytes"], "the memory of who has the number now"


def test_a_quarter_of_the_files_that_may_be_open_are_kept(tmp_path: Path) -> None:
    """The others are opened for each reading, and tell the same."""
    path = tmp_path / "usage"
    path.write_text("1\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names only
    resource.setrlimit(resource.RLIMIT_NOFILE, (before + 40, hard))
    try:
        files = [KernelFile(path) for _ in range(before + 40)]
        path.write_text("2\n")
        assert {file.read() for file in files} == {b"2\n"}
        kept = len(os.listdir("/proc/self/fd")) - before  # noqa: PTH208 - names only
        assert 0 < kept <= (before + 40) // 4
    finally:
        for file in files:
            file.close()
            file.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - names only


def test_a_file_longer_than_one_reading_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "vmstat").write_text("x" * 40_000)
    assert len(read_once(str(tmp_path / "vmstat"))) == 40_000


def test_groups_below_a_group_are_looked_for_only_where_there_are_any(tmp_path: Path) -> None:
    (tmp_path / "cgroup.procs").write_text("1\n2\n")
    assert group_pids(tmp_path) == [1, 2]
    (tmp_path / "worker" / "inner").mkdir(parents=True)
    (tmp_path / "worker" / "cgroup.procs").write_text("3\n")
    (tmp_path / "worker" / "inner" / "cgroup.procs").write_text("4\n")
    assert sorted(group_pids(tmp_path)) == [1, 2, 3, 4]
    assert group_pids(tmp_path / "gone") == []
