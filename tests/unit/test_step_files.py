"""Steps on files, and steps that a target cannot do."""

from __future__ import annotations

import errno
import gzip
from typing import TYPE_CHECKING, ClassVar

import pytest

from leakdrill.errors import BadInput, TargetNotReady
from leakdrill.machine.http_access import ANYONE
from leakdrill.scenario.steps import Step
from leakdrill.steps.step import StepFailed, carry_out

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from leakdrill.meters.meter import Meter


class BareTarget:
    """A target without any extra ability."""

    part_types: ClassVar[Sequence[type]] = ()
    parts: Sequence[object] = ()

    name = "bare"
    base_url = "http://127.0.0.1:9"
    token = ""
    access = ANYONE
    labels: Mapping[str, str] = {}

    def start(self) -> None: ...
    def stop(self) -> None: ...

    def meters(self) -> Sequence[Meter]:
        return ()

    def notices(self) -> Sequence[str]:
        return ()


class FolderTarget(BareTarget):
    """A target with a disk, and a restart that can be told to fail."""

    def __init__(self, folder: Path, *, comes_back: bool = True) -> None:
        self.folder = folder
        self.restarts = 0
        self._comes_back = comes_back

    def file(self, path: str) -> Path:
        if ".." in path:
            raise BadInput(f"{path}: lies outside of the target's disk")
        return self.folder / path

    def restart(self) -> None:
        self.restarts += 1
        if not self._comes_back:
            raise TargetNotReady("answered 503 (3 tries)")


def step(**action: object) -> Step:
    return Step.model_validate({"name": "a step", **action})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.log"
    path.write_bytes(b"a line\n" * 1000)
    return path


def test_truncation_frees_the_file_in_place(tmp_path: Path, log: Path) -> None:
    inode = log.stat().st_ino
    facts = carry_out(step(truncate_log={"path": "gateway.log"}), FolderTarget(tmp_path))
    assert facts["bytes_freed"] == "7000"
    assert (log.stat().st_size, log.stat().st_ino) == (0, inode)


def test_rotation_keeps_the_text_in_a_compressed_archive_and_the_inode_of_the_log(tmp_path: Path, log: Path) -> None:
    inode = log.stat().st_ino
    facts = carry_out(step(rotate_log={"path": "gateway.log"}), FolderTarget(tmp_path))
    archive = tmp_path / "gateway.log.1.gz"
    assert gzip.decompress(archive.read_bytes()) == b"a line\n" * 1000
    assert facts["bytes_archived"] == str(archive.stat().st_size)
    assert (log.stat().st_size, log.stat().st_ino) == (0, inode)


def test_rotation_keeps_the_newest_and_drops_the_rest(tmp_path: Path, log: Path) -> None:
    for number in range(1, 5):
        log.write_text(f"log {number}")
        carry_out(step(rotate_log={"path": "gateway.log", "keep": 2, "compress": False}), FolderTarget(tmp_path))
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {
        "gateway.log": "", "gateway.log.1": "log 4", "gateway.log.2": "log 3",
    }  # fmt: skip


def test_keeping_fewer_than_before_drops_all_that_are_older(tmp_path: Path, log: Path) -> None:
    for keep in (3, 3, 3, 1):
        log.write_text(f"keep {keep}")
        carry_out(step(rotate_log={"path": "gateway.log", "keep": keep}), FolderTarget(tmp_path))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["gateway.log", "gateway.log.1.gz"]


def test_keeping_none_archives_nothing(tmp_path: Path, log: Path) -> None:
    carry_out(step(rotate_log={"path": "gateway.log", "keep": 0}), FolderTarget(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["gateway.log"]
    assert log.stat().st_size == 0


def no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_an_archive_that_cannot_be_written_leaves_the_log_alone(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.copyfileobj", no_room)
    with pytest.raises(StepFailed, match=r"No space left on device; .* are free beside it; the log was left as it is"):
        carry_out(step(rotate_log={"path": "gateway.log"}), FolderTarget(tmp_path))
    assert log.stat().st_size == 7000
    assert [p.name for p in tmp_path.iterdir()] == ["gateway.log"]


@pytest.mark.parametrize("action", ["truncate_log", "rotate_log"])
@pytest.mark.parametrize(
    ("path", "message"),
    [("no.log", "found nothing"), (".", "something that is no file"), ("../x", "lies outside")],
)
def test_a_log_that_is_not_there_fails_the_step(tmp_path: Path, action: str, path: str, message: str) -> None:
    with pytest.raises(StepFailed, match=message):
        carry_out(step(**{action: {"path": path}}), FolderTarget(tmp_path))


@pytest.mark.parametrize("action", [{"truncate_log": {"path": "x"}}, {"rotate_log": {"path": "x"}}, {"restart": {}}])
def test_a_target_without_the_ability_fails_the_step(action: dict[str, object]) -> None:
    with pytest.raises(StepFailed, match="target 'bare' \\(BareTarget\\)"):
        carry_out(step(**action), BareTarget())


def test_restart_restarts_once(tmp_path: Path) -> None:
    target = FolderTarget(tmp_path)
    carry_out(step(restart={}), target)
    assert target.restarts == 1


def test_a_target_that_does_not_come_back_fails_the_step(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="did not come back: answered 503"):
        carry_out(step(restart={}), FolderTarget(tmp_path, comes_back=False))
