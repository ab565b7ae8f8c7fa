"""Steps that clean up a disk: they touch what matches, is old enough and is the target's own, and nothing else."""

from __future__ import annotations

import errno
import gzip
import os
import time
from typing import TYPE_CHECKING

import pytest
from disk_target import DiskTarget

from leakdrill.scenario.steps import Step
from leakdrill.steps.step import StepFailed, carry_out, folder_name

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A disk with a folder of parts, two old logs and a young one; a secret lies beside it."""
    root = tmp_path / "disk"
    (root / "tmp").mkdir(parents=True)
    (tmp_path / "secret.part").write_text("mine")
    for name, size in (("tmp/a.part", 10), ("tmp/b.part", 20), ("app.log", 30), ("app.log.1", 4000), ("app.log.2", 50)):
        (root / name).write_bytes(b"x" * size)
    hour_ago = time.time() - 3600
    for name in ("tmp/a.part", "app.log.1", "app.log.2"):
        os.utime(root / name, (hour_ago, hour_ago))
    return root


def do(disk: Path, *, run_dir: Path | None = None, **action: object) -> dict[str, str]:
    step = Step.model_validate({"name": "A step!", **action})
    return carry_out(step, DiskTarget(disk), run_dir=run_dir or disk.parent)


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_deleting_takes_what_matches_and_is_old_enough(disk: Path) -> None:
    assert do(disk, delete_files={"path": "tmp/*.part", "older_than": "1m"}) == {"files": "1", "bytes_freed": "10"}
    assert do(disk, delete_files={"path": "tmp/*.part"})["bytes_freed"] == "20"
    assert names(disk) == ["app.log", "app.log.1", "app.log.2"]


def test_deleting_nothing_is_no_failure_for_the_metric_tells(disk: Path) -> None:
    assert do(disk, delete_files={"path": "**/*.core"}) == {"files": "0", "bytes_freed": "0"}


@pytest.mark.parametrize("action", ["delete_files", "compress_files"])
@pytest.mark.parametrize("path", ["../*.part", "/etc/*", "tmp/../../*.part"])
def test_a_pattern_that_leads_out_of_the_disk_is_refused(disk: Path, action: str, path: str) -> None:
    with pytest.raises(StepFailed, match="lies outside"):
        do(disk, **{action: {"path": path}})
    assert (disk.parent / "secret.part").read_text() == "mine"


def test_a_link_out_of_the_disk_is_left_alone(disk: Path) -> None:
    (disk / "tmp" / "link.part").symlink_to(disk.parent / "secret.part")
    do(disk, delete_files={"path": "tmp/*.part"})
    assert (disk / "tmp" / "link.part").is_symlink()
    assert (disk.parent / "secret.part").read_text() == "mine"


def test_a_linked_folder_out_of_the_disk_is_refused(disk: Path) -> None:
    (disk / "out").symlink_to(disk.parent)
    with pytest.raises(StepFailed, match="lies outside"):
        do(disk, delete_files={"path": "out/*.part"})
    assert (disk.parent / "secret.part").read_text() == "mine"


def test_compressing_keeps_content_and_time_and_leaves_archives_alone(disk: Path) -> None:
    told = disk.joinpath("app.log.1").stat().st_mtime
    assert do(disk, compress_files={"path": "app.log.*"})["files"] == "2"
    assert names(disk) == ["app.log", "app.log.1.gz", "app.log.2.gz", "tmp/a.part", "tmp/b.part"]
    assert gzip.decompress((disk / "app.log.1.gz").read_bytes()) == b"x" * 4000
    assert (disk / "app.log.1.gz").stat().st_mtime == told
    assert do(disk, compress_files={"path": "app.log.*"})["files"] == "0"


def no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_that_cannot_be_compressed_is_left_as_it_is(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.copyfileobj", no_room)
    with pytest.raises(StepFailed, match=r"app.log.1: cannot be compressed: .*; the file was left as it is"):
        do(disk, compress_files={"path": "app.log.1"})
    assert (disk / "app.log.1").stat().st_size == 4000


def test_a_copy_lies_in_a_folder_of_the_step_in_the_run(disk: Path, tmp_path: Path) -> None:
    facts = do(disk, run_dir=tmp_path / "run", copy_out={"path": "app.log"})
    assert (tmp_path / "run" / "steps" / folder_name("A step!") / "app.log").read_bytes() == b"x" * 30
    assert facts["size"] == "30 B"


def test_a_file_without_end_is_not_copied_to_the_end(
    disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leakdrill.steps.copy_out.LONGEST_COPY", 2**20)
    (disk / "holes.bin").touch()
    os.truncate(disk / "holes.bin", 2**40)
    with pytest.raises(StepFailed, match="it is longer than 1 MiB"):
        do(disk, run_dir=tmp_path / "run", copy_out={"path": "holes.bin"})


@pytest.mark.parametrize(
    ("path", "message"),
    [("empty.bin", "empty.bin: is empty"), ("none.bin", "found nothing"), ("../secret.part", "lies outside")],
)
def test_a_copy_of_nothing_fails(disk: Path, path: str, message: str) -> None:
    (disk / "empty.bin").touch()
    with pytest.raises(StepFailed, match=message):
        do(disk, copy_out={"path": path})


@pytest.mark.parametrize(
    "action",
    [
        {"exec": {"command": ["ls"]}},
        {"kill": {"match": "worker"}},
        {"set_limits": {"cpus": 1}},
        {"set_env": {"A": "1"}},
        {"restart": {}},
    ],
)
def test_a_target_without_the_ability_says_so(disk: Path, action: dict[str, object]) -> None:
    with pytest.raises(StepFailed, match=r"target 'disk' \(DiskTarget\)"):
        do(disk, **action)
