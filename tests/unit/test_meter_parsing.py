"""What meters make of the texts they read."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from leakdrill.machine.disk import Disk
from leakdrill.meters.filesystem import FilesystemMeter
from leakdrill.meters.process import ProcessTreeMeter, SmapsMeter, parse_smaps_rollup
from leakdrill.meters.sampler import next_due
from leakdrill.meters.service import MOST_SAMPLES, parse_exposition

if TYPE_CHECKING:
    from pathlib import Path

ROLLUP = b"""\
5580b9489000-7ffc6e623000 ---p 00000000 00:00 0                          [rollup]
Rss:                1744 kB
Pss:                 380 kB
Private_Clean:        56 kB
Private_Dirty:       116 kB
Anonymous:           120 kB
Private_Hugetlb:       0 kB
"""


def test_smaps_rollup_gives_pss_uss_and_anonymous_bytes() -> None:
    assert parse_smaps_rollup(ROLLUP) == {
        "pss_bytes": 380 * 1024,
        "uss_bytes": 172 * 1024,
        "anon_bytes": 120 * 1024,
    }


def test_a_process_without_memory_has_no_smaps() -> None:
    assert parse_smaps_rollup(b"") == {}


def test_no_process_is_no_reading() -> None:
    assert ProcessTreeMeter(list).read() is None
    assert SmapsMeter(list).read() is None


def test_what_a_process_held_counts_when_it_has_ended() -> None:
    command = [sys.executable, "-c", "held = bytearray(30_000_000); print(); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        meter = ProcessTreeMeter(lambda: [os.getpid(), child.pid])
        assert child.stdout is not None
        child.stdout.readline()
        before = meter.read()
        child.communicate(b"\n")
    after = meter.read()
    meter.close()
    assert before is not None
    assert after is not None
    assert before["ended_bytes"] == 0
    assert after["ended_bytes"] > 30_000_000
    assert 0 <= after["ended_age_s"] < 60


def test_a_process_that_calls_exec_has_ended_under_its_pid() -> None:
    program = "import os; print(flush=True); input(); os.execlp('sh', 'sh', '-c', 'echo; read line')"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        meter = ProcessTreeMeter(lambda: [child.pid])
        assert child.stdout is not None
        assert child.stdin is not None
        child.stdout.readline()
        before = meter.read()
        child.stdin.write(b"\n")
        child.stdin.flush()
        child.stdout.readline()
        after = meter.read()
        child.communicate(b"\n")
    meter.close()
    assert before is not None
    assert after is not None
    assert after["ended_bytes"] == before["rss_bytes"]


def test_a_process_that_leaves_the_tree_has_not_ended() -> None:
    pids = [[os.getpid(), os.getppid()], [os.getpid()]]
    meter = ProcessTreeMeter(lambda: pids.pop(0))
    meter.read()
    after = meter.read()
    meter.close()
    assert after is not None
    assert after["ended_bytes"] == 0


def test_samples_are_named_as_prometheus_shows_them() -> None:
    page = '# TYPE a_total counter\na_total{y="2",x="1"} 3\na_created{y="2",x="1"} 9\n# TYPE b gauge\nb 1.5\n'
    assert parse_exposition(page) == {'a_total{x="1",y="2"}': 3.0, "b": 1.5}


def test_buckets_are_left_out_and_their_sum_and_count_stay() -> None:
    page = '# TYPE t histogram\nt_bucket{le="1"} 1\nt_bucket{le="+Inf"} 2\nt_sum 3\nt_count 2\n'
    assert parse_exposition(page) == {"t_sum": 3.0, "t_count": 2.0}


def test_a_large_page_is_cut() -> None:
    page = "".join(f'a{{n="{n}"}} 1\n' for n in range(MOST_SAMPLES + 50))
    assert len(parse_exposition(page)) == MOST_SAMPLES


def test_what_is_not_an_exposition_is_an_error() -> None:
    with pytest.raises(ValueError, match="invalid metric name"):
        parse_exposition("<html> hello\n")


def test_a_plain_folder_is_walked_and_measured_against_the_declared_size(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_bytes(b"x" * 8192)
    disk = Disk(path=tmp_path, device="d", fstype="folder", limited=False, size_bytes=100_000)
    seen = FilesystemMeter(disk).read()
    assert seen is not None
    assert seen["used_bytes"] >= 8192
    assert seen["size_bytes"] == 100_000
    assert seen["avail_bytes"] == 100_000 - seen["used_bytes"]


def test_a_folder_without_a_declared_size_has_none(tmp_path: Path) -> None:
    disk = Disk(path=tmp_path, device="d", fstype="folder", limited=False, size_bytes=None)
    assert FilesystemMeter(disk).read() == {"used_bytes": 0}


@pytest.mark.parametrize(
    ("now", "expected"),
    [(10.02, 10.1), (10.15, 10.2), (10.55, 10.6), (9.99, 10.1)],
)
def test_the_schedule_neither_drifts_nor_makes_up_for_missed_moments(now: float, expected: float) -> None:
    assert next_due(10.0, 0.1, now) == pytest.approx(expected)
