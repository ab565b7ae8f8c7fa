"""A disk that is full or gone ends a run with exit 4 and everything undone; its record stays what it was."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

import psutil
import pytest

from leakdrill.errors import EnvironmentProblem
from leakdrill.record.events import Notice, ProcessTree, StepAct, TargetStop
from leakdrill.record.history import read_history
from leakdrill.record.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

_MARK: Final = "74.31"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 120 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=120k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting takes root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(recorder: Recorder) -> None:
    for _ in range(2000):
        recorder.record(ProcessTree(rss_bytes=1.0))


def test_what_cannot_be_recorded_is_not_begun(small_disk: Path) -> None:
    recorder = Recorder(small_disk / "history.jsonl")
    fill(recorder)
    assert recorder.lost is not None
    act = recorder.act(StepAct("restart"))
    with pytest.raises(EnvironmentProblem, match=r"history\.jsonl: cannot be written: No space left"):
        act.__enter__()
    with pytest.raises(EnvironmentProblem):
        recorder.raise_if_lost()
    recorder.close()


def test_the_teardown_goes_on_without_the_record(small_disk: Path) -> None:
    recorder = Recorder(small_disk / "history.jsonl")
    heard = []
    recorder.subscribe(heard.append)
    fill(recorder)
    undone = False
    with recorder.in_phase("teardown"), recorder.act(TargetStop()):
        undone = True
    recorder.close()
    assert undone
    assert heard[-1].name == "phase", "who listens goes on to hear"


def test_the_record_is_whole_up_to_where_it_was_lost(small_disk: Path) -> None:
    recorder = Recorder(small_disk / "history.jsonl")
    fill(recorder)
    path = small_disk / "history.jsonl"
    written = read_history(path).events
    subprocess.run(["mount", "-o", "remount,size=1m", str(small_disk)], check=True)
    recorder.record(Notice("there is room again"))
    recorder.close()
    assert read_history(path).events == written


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_each_error_of_a_disk_loses_the_record_once(tmp_path: Path, code: int) -> None:
    recorder = Recorder(tmp_path / "history.jsonl")
    recorder._file.close()
    recorder._file = Failing(code)  # type: ignore[assignment]
    recorder.record(Notice("x"))
    first = recorder.lost
    recorder.record(Notice("y"))
    assert first is not None
    assert recorder.lost is first
    assert os.strerror(code) in first.message


class Failing:
    """A file of a broken disk."""

    closed = False

    def __init__(self, code: int) -> None:
        self._code = code

    def write(self, _: bytes) -> int:
        raise OSError(self._code, os.strerror(self._code))

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        self.closed = True


@pytest.mark.long
def test_a_watched_command_is_ended_when_its_record_is_lost(small_disk: Path) -> None:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "leakdrill", "watch", "--runs", str(small_disk), "--", "sleep", _MARK],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("cannot be written: No space left on device") == 1
    assert time.monotonic() - began < 60
    assert not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", _MARK]]
