"""A stored run that cannot be written to, or whose own path is no text, is judged like any other."""

from __future__ import annotations

import errno
import json
import os
from typing import TYPE_CHECKING

import pytest
from stored_runs import judged_run, store_run

from leakdrill.cli.main import exit_code
from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.judging import analyze as judging
from leakdrill.record.store import RunFolder, create_run

if TYPE_CHECKING:
    from pathlib import Path


def called(*words: str | os.PathLike[str]) -> int:
    return exit_code([str(word) for word in words])


@pytest.fixture
def read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A run in a folder on which nothing can be written, as an artifact of CI is where it is mounted."""
    folder = store_run(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(judging, "write_verdicts", refuse)
    return folder


def test_the_verdicts_on_a_run_that_cannot_be_written_to_are_printed(
    read_only: RunFolder, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for words in (["analyze", read_only.path], ["report", read_only.path, "--out", tmp_path / "out"]):
        assert called(*words) == 0
        said = capsys.readouterr()
        assert said.err == f"leakdrill: {read_only.verdicts}: cannot be written: Read-only file system\n"
        assert "PASS: all 13 claims hold (exit 0)" in said.out or "report.xml" in said.out
    assert json.loads((tmp_path / "out" / "report.json").read_text())["exit_code"] == 0


def test_a_spoilt_run_that_cannot_be_written_to_is_unknown(
    read_only: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    read_only.history.write_bytes(read_only.history.read_bytes().replace(b"64", b"65", 1))
    assert called("analyze", "--json", read_only.path) == 2
    assert json.loads(capsys.readouterr().out)["outcome"] == "UNKNOWN"


def test_a_run_of_our_own_that_cannot_be_written_is_an_error(read_only: RunFolder) -> None:
    with pytest.raises(EnvironmentProblem, match="Read-only file system"):
        judging.analyze(read_only)


@pytest.mark.parametrize("spoilt", [False, True])
def test_a_path_that_is_no_utf8_is_shown_and_the_run_judged(
    spoilt: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = judged_run(tmp_path / os.fsdecode(b"caf\xe9"))
    if spoilt:
        folder.history.write_bytes(folder.history.read_bytes().replace(b"64", b"65", 1))
    for words in (["analyze"], ["analyze", "--json"], ["report"], ["verify"]):
        assert called(*words, folder.path) == (2 if spoilt else 0)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        assert "\udce9" not in said.out + said.err
    assert (folder.path / "report.xml").exists()


def test_a_new_run_in_such_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not valid UTF-8"):
        create_run(tmp_path / os.fsdecode(b"caf\xe9"), "shop")
    assert list(tmp_path.iterdir()) == []
