"""The steps on files by commands alone, with the shell of this machine: the same files are left as by the others."""

from __future__ import annotations

import gzip
import os
import subprocess
import time

import pytest

from leakdrill.scenario.actions import CompressFiles, CopyOut, DeleteFiles, RotateLog, TruncateLog
from leakdrill.steps import copy_out
from leakdrill.steps.context import StepContext
from leakdrill.steps.failure import StepFailed
from leakdrill.steps.step import step_file

pytestmark = pytest.mark.integration


class Inside:
    """A target whose disk is a folder that only its commands reach."""

    name = "shop"
    parts = ()

    def __init__(self, disk):
        self.disk_inside = str(disk)

    def execute(self, command, *, output, timeout_s):
        with output.open("wb") as file:
            return subprocess.run(command, stdout=file, stderr=file, timeout=timeout_s, check=False).returncode


KEYS = {
    TruncateLog: "truncate_log",
    RotateLog: "rotate_log",
    DeleteFiles: "delete_files",
    CompressFiles: "compress_files",
}


def context(disk, tmp_path):
    return StepContext("a step", Inside(disk), 20, tmp_path / "kept")


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    (folder / "shop.log").write_bytes(b"a line\n" * 1000)
    return folder


@pytest.fixture
def do(disk, tmp_path):
    def act(action):
        return step_file(KEYS[type(action)]).act(action, context(disk, tmp_path))

    return act


def names(disk):
    return sorted(path.name for path in disk.iterdir())


def test_a_log_is_cut_to_nothing(do, disk):
    assert do(TruncateLog(path="{disk}/shop.log")) == {"bytes_freed": "7000"}
    assert (disk / "shop.log").stat().st_size == 0


def test_a_log_is_rotated_again_and_again_and_the_newest_are_kept(do, disk):
    for number in range(4):
        (disk / "shop.log").write_text(f"{number}\n")
        facts = do(RotateLog(path="shop.log", keep=2))
    assert facts["bytes_freed"] == "2"
    assert names(disk) == ["shop.log", "shop.log.1.gz", "shop.log.2.gz"]
    assert [gzip.decompress((disk / f"shop.log.{n}.gz").read_bytes()) for n in (1, 2)] == [b"3\n", b"2\n"]
    assert (disk / "shop.log").read_bytes() == b""


def test_a_log_is_rotated_without_compression_or_without_an_archive(do, disk):
    assert do(RotateLog(path="shop.log", keep=1, compress=False))["bytes_archived"] == "7000"
    assert do(RotateLog(path="shop.log", keep=0, compress=False)) == {"bytes_freed": "0", "bytes_archived": "0"}
    assert names(disk) == ["shop.log"]


def test_old_files_that_match_are_deleted_and_links_and_young_ones_stay(do, disk):
    (disk / "tmp").mkdir()
    for name in ("a b.part", "c.part", "young.part", "d.keep"):
        (disk / "tmp" / name).write_bytes(b"12345")
    (disk / "tmp" / "link.part").symlink_to(disk / "shop.log")
    for name in ("a b.part", "c.part", "d.keep"):
        os.utime(disk / "tmp" / name, (time.time() - 60,) * 2)
    assert do(DeleteFiles(path="tmp/*.part", older_than="30s")) == {"files": "2", "bytes_freed": "10"}
    assert names(disk / "tmp") == ["d.keep", "link.part", "young.part"]


def test_files_are_compressed_in_their_place_with_their_age(do, disk):
    (disk / "old.gz").write_bytes(b"")
    os.utime(disk / "shop.log", (1_000_000_000, 1_000_000_000))
    facts = do(CompressFiles(path="*"))
    assert (facts["files"], facts["bytes_before"]) == ("1", "7000")
    assert names(disk) == ["old.gz", "shop.log.gz"]
    packed = disk / "shop.log.gz"
    assert gzip.decompress(packed.read_bytes()) == b"a line\n" * 1000
    assert (packed.stat().st_mtime, packed.stat().st_size) == (1_000_000_000, int(facts["bytes_after"]))


def test_a_file_is_copied_out(disk, tmp_path):
    copy_out.act(CopyOut(path="shop.log"), context(disk, tmp_path))
    assert (tmp_path / "kept" / "shop.log").read_bytes() == b"a line\n" * 1000


def test_what_is_no_file_or_lies_elsewhere_fails_and_says_so(do):
    with pytest.raises(StepFailed, match=r"found no file at .*/nothing.log; expected a log"):
        do(TruncateLog(path="nothing.log"))
    with pytest.raises(StepFailed, match="lies outside of the disk"):
        do(RotateLog(path="{disk}/../etc/passwd"))
    with pytest.raises(StepFailed, match=r"knows `\*\*`"):
        do(DeleteFiles(path="**/*.part"))
