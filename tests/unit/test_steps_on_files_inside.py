"""The commands that steps run inside a container touch only the files that the scenario names on the target's disk."""

from __future__ import annotations

import gzip
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from leakdrill.scenario.steps import Step
from leakdrill.steps.step import StepFailed, carry_out

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from leakdrill.meters.meter import Meter


class Inside:
    """A target whose disk is reached by commands only; here they run in this machine's own shell."""

    part_types: Sequence[type] = ()
    parts: Sequence[object] = ()
    name, base_url, token = "shop", "http://127.0.0.1:9", ""
    labels: Mapping[str, str] = {}

    def __init__(self, disk: Path) -> None:
        self.disk_inside = str(disk)

    def start(self) -> None: ...
    def stop(self) -> None: ...

    def meters(self) -> Sequence[Meter]:
        return ()

    def notices(self) -> Sequence[str]:
        return ()

    def execute(self, command: Sequence[str], *, output: Path, timeout_s: float) -> int:
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("wb") as file:
            return subprocess.run(command, stdout=file, stderr=file, timeout=timeout_s, check=False).returncode


@pytest.fixture
def around(tmp_path: Path) -> Path:
    """A folder with a disk, and beside it what belongs to somebody else."""
    disk, others = tmp_path / "disk", tmp_path / "others"
    disk.mkdir()
    others.mkdir()
    for name in ("a.log", "precious", "etc.log"):
        (others / name).write_text("precious")
    return tmp_path


def do(around: Path, **action: Any) -> dict[str, str]:
    step = Step.model_validate({"name": "a step", **action})
    return carry_out(step, Inside(around / "disk"), run_dir=around / "run")


def others(around: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (around / "others").iterdir()}


PRECIOUS = {"a.log": "precious", "precious": "precious", "etc.log": "precious"}


@pytest.mark.parametrize("action", ["delete_files", "compress_files"])
def test_only_what_matches_is_touched(action: str, around: Path) -> None:
    disk = around / "disk"
    kept = ["precious", "x", "b.txt"]
    names = ["a.log", "-rf.log", " b.log", "c d.log", "$(touch x2).log", "`y`.log", "*.log", "e\\n.log"]
    for name in [*kept, *names, "two\n5 precious.log", "two\n5 x.log", "x .log"]:
        (disk / name).write_text("content")
    (disk / "linked").symlink_to(around / "others")
    (disk / "link.log").symlink_to(around / "others" / "precious")
    facts = do(around, **{action: {"path": "*.log", "older_than": "0s"}})
    assert facts["files"] == str(len(names) + 1)
    do(around, **{action: {"path": "linked/*", "older_than": "0s"}})
    left = {path.name for path in disk.iterdir()}
    assert set(kept) <= left
    assert not left & set(names)
    assert {"two\n5 precious.log", "two\n5 x.log"} <= left
    assert others(around) == PRECIOUS


def test_a_blank_at_the_end_of_a_name_is_part_of_it(around: Path) -> None:
    for name in ("old", "old "):
        (around / "disk" / name).write_text("content")
    do(around, delete_files={"path": "old?", "older_than": "0s"})
    assert [path.name for path in (around / "disk").iterdir()] == ["old"]


@pytest.mark.parametrize("place", ["app.log.1.gz", "app.log.1.gz.partial"])
@pytest.mark.parametrize("what", ["precious", "."])
def test_an_archive_is_not_written_through_a_link(place: str, what: str, around: Path) -> None:
    (around / "disk" / "app.log").write_text("line\n")
    (around / "disk" / place).symlink_to(around / "others" / what)
    try:
        do(around, rotate_log={"path": "app.log", "keep": 1})
    except StepFailed as e:
        assert "is a folder; expected an archive in its place" in str(e)  # noqa: PT017 - either is right
        assert (around / "disk" / "app.log").read_text() == "line\n"
    else:
        assert gzip.decompress((around / "disk" / "app.log.1.gz").read_bytes()) == b"line\n"
        assert (around / "disk" / "app.log").read_text() == ""
    assert others(around) == PRECIOUS


def test_a_file_is_not_compressed_into_a_linked_folder(around: Path) -> None:
    (around / "disk" / "a.txt").write_text("content")
    (around / "disk" / "a.txt.gz").symlink_to(around / "others")
    with pytest.raises(StepFailed, match="is a folder; expected an archive in its place"):
        do(around, compress_files={"path": "a.txt", "older_than": "0s"})
    assert others(around) == PRECIOUS
    assert (around / "disk" / "a.txt").read_text() == "content"


@pytest.mark.parametrize("action", [{"rotate_log": {"path": "app.log"}}, {"truncate_log": {"path": "app.log"}}])
@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_log_that_is_another_file_is_left(action: dict[str, Any], link: Any, around: Path) -> None:
    link(around / "others" / "a.log", around / "disk" / "app.log")
    with pytest.raises(StepFailed, match=r"outside of the disk|another name elsewhere"):
        do(around, **action)
    assert others(around) == PRECIOUS


def test_only_what_a_step_says_it_did_is_a_fact(around: Path) -> None:
    (around / "disk" / "status=ok.log").write_text("x")
    assert set(do(around, delete_files={"path": "*.log", "older_than": "0s"})) == {"files", "bytes_freed"}
