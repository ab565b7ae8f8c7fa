"""What a service leaves on its disk leads no step to somebody else's files: not by a link, not by a second name."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from disk_target import DiskTarget

from leakdrill.scenario.steps import Step
from leakdrill.steps import copy_out, log_file, rotate_log, truncate_log
from leakdrill.steps.context import StepContext
from leakdrill.steps.disk_folder import DiskFolder
from leakdrill.steps.step import StepFailed, carry_out, folder_name, step_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ON_FILES = (
    {"rotate_log": {"path": "app.log", "keep": 2}},
    {"rotate_log": {"path": "app.log", "keep": 2, "compress": False}},
    {"rotate_log": {"path": "app.log", "keep": 0}},
    {"truncate_log": {"path": "app.log"}},
    {"compress_files": {"path": "app.log"}},
    {"compress_files": {"path": "*"}},
    {"delete_files": {"path": "**/*"}},
    {"copy_out": {"path": "app.log"}},
)
"""Every step that writes, cuts, moves or removes files."""

LEFT_BY_THE_SERVICE = (
    "app.log",
    "app.log.gz",
    "app.log.gz.partial",
    "app.log.1",
    "app.log.1.gz",
    "app.log.1.partial",
    "app.log.1.gz.partial",
    "app.log.2",
    "app.log.3.gz",
)
"""Names under which a link may lie in the way of such a step."""

CONTENT = "somebody else's"


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    root = tmp_path / "disk"
    (root / "tmp").mkdir(parents=True)
    for name in ("app.log", "app.log.1.gz", "tmp/a.part"):
        (root / name).write_bytes(b"x" * 30)
    return root


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A file beside the disk that no step is told of."""
    file = tmp_path / "precious"
    file.write_text(CONTENT)
    return file


def state(file: Path) -> tuple[int, ...]:
    """What of a file changes with its content, its name or its mode."""
    found = file.stat()
    return found.st_mode, found.st_nlink, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def do(disk: Path, action: dict[str, object]) -> dict[str, str]:
    step = Step.model_validate({"name": "A step!", **action})
    return carry_out(step, DiskTarget(disk), run_dir=disk.parent / "run")


@pytest.mark.parametrize("name", LEFT_BY_THE_SERVICE)
@pytest.mark.parametrize("action", ON_FILES, ids=str)
def test_no_step_reaches_through_a_link_that_the_service_left(
    disk: Path, precious: Path, action: dict[str, object], name: str
) -> None:
    before = state(precious)
    (disk / name).unlink(missing_ok=True)
    (disk / name).symlink_to(precious)
    with contextlib.suppress(StepFailed):
        do(disk, action)
    assert precious.read_text() == CONTENT
    assert state(precious) == before
    kept = [path.read_text() for path in (disk.parent / "run").rglob("*") if path.is_file()]
    assert CONTENT not in kept


@pytest.mark.parametrize("action", [ON_FILES[0], ON_FILES[2], ON_FILES[3]], ids=str)
def test_a_log_with_a_second_name_elsewhere_is_not_cut(disk: Path, precious: Path, action: dict[str, object]) -> None:
    (disk / "app.log").unlink()
    (disk / "app.log").hardlink_to(precious)
    with pytest.raises(StepFailed, match="has another name elsewhere"):
        do(disk, action)
    assert precious.read_text() == CONTENT


@pytest.mark.parametrize("action", ON_FILES, ids=str)
@pytest.mark.parametrize("kind", ["pipe", "folder", "link to itself"])
def test_what_is_no_file_is_named_or_left_out_and_nothing_hangs(
    disk: Path, action: dict[str, object], kind: str
) -> None:
    log = disk / "app.log"
    log.unlink()
    {"pipe": lambda: os.mkfifo(log), "folder": log.mkdir, "link to itself": lambda: log.symlink_to(log)}[kind]()
    with contextlib.suppress(StepFailed):
        do(disk, action)
    assert os.path.lexists(log)


@pytest.mark.parametrize("action", [*ON_FILES[:4], ON_FILES[-1]], ids=str)
def test_a_log_that_is_swapped_for_a_link_between_the_look_and_the_act_is_not_followed(
    disk: Path, precious: Path, action: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = log_file.find_log

    def swapped(*arguments: object, **named: object) -> Path:
        path = found(*arguments, **named)  # type: ignore[arg-type]
        path.unlink()
        path.symlink_to(precious)
        return path

    for step in (rotate_log, truncate_log, copy_out):
        monkeypatch.setattr(step, "find_log", swapped)
    with pytest.raises(StepFailed):
        do(disk, action)
    assert precious.read_text() == CONTENT


def test_a_folder_that_is_swapped_for_a_link_is_not_followed(disk: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (disk / "tmp").rename(disk / "old")
    (disk / "tmp").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=r"symbolic|directory"):
        DiskFolder(disk, disk / "tmp" / "a.part")


def test_an_archive_has_the_mode_of_its_log(disk: Path) -> None:
    (disk / "app.log").chmod(0o640)
    do(disk, {"rotate_log": {"path": "app.log", "keep": 1}})
    assert (disk / "app.log.1.gz").stat().st_mode & 0o777 == 0o640


def test_a_link_in_the_place_of_the_steps_folder_is_not_followed(disk: Path, tmp_path: Path) -> None:
    (tmp_path / "run" / "steps").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run" / "steps" / folder_name("A step!")).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StepFailed, match="not followed"):
        do(disk, {"copy_out": {"path": "app.log"}})
    assert not list((tmp_path / "elsewhere").iterdir())


class Inside:
    """A target whose disk is reached by commands alone, here with the shell of this machine."""

    name = "shop"
    parts = ()

    def __init__(self, disk: Path) -> None:
        self.disk_inside = str(disk)

    def execute(self, command: Sequence[str], *, output: Path, timeout_s: float) -> int:
        with output.open("wb") as file:
            return subprocess.run(command, stdout=file, stderr=file, timeout=timeout_s, check=False).returncode


@pytest.mark.parametrize("link", ["app.log", "app.log.1.gz.partial", "app.log.gz.partial"])
@pytest.mark.parametrize("key", ["rotate_log", "truncate_log", "compress_files", "delete_files"])
def test_neither_does_a_command_inside(disk: Path, precious: Path, key: str, link: str) -> None:
    (disk / link).unlink(missing_ok=True)
    (disk / link).symlink_to(precious)
    with contextlib.suppress(StepFailed):
        action = Step.model_validate({"name": "A step", key: {"path": "app.log"}}).action
        step_file(key).act(action, StepContext(key, Inside(disk), 20, disk.parent / "kept"))  # type: ignore[arg-type]
    assert precious.read_text() == CONTENT
