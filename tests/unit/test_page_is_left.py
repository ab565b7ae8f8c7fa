"""A run ends by leaving its page and naming it; where it cannot be written that is said, and the verdict stands."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from stored_runs import store_run

from leakdrill.cli.output import deliver
from leakdrill.cli.page import leave_page, name_page, open_page
from leakdrill.judging.analyze import judge_run
from leakdrill.reports.console import SafeConsole
from leakdrill.runs.session import FinishedRun

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def done(tmp_path: Path) -> FinishedRun:
    folder = store_run(tmp_path)
    judged = judge_run(folder)
    return FinishedRun(folder, judged.verdicts, judged.seal, None, [])


def named(done: FinishedRun) -> str:
    console = SafeConsole(file=io.StringIO())
    name_page(done, console)
    return console.file.getvalue()


def test_the_page_is_left_in_the_run_folder_and_named(done):
    leave_page(done)
    assert "All 13 claims hold." in (done.folder.path / "report.html").read_text(encoding="utf-8")
    assert named(done) == f"page: {done.folder.path}/report.html\nrecord: {done.folder.path}\n"


def test_a_page_that_is_not_there_is_not_named(done):
    assert named(done) == f"record: {done.folder.path}\n"
    assert open_page(done) is False


def test_a_page_that_cannot_be_written_is_told_and_keeps_a_bad_verdict(done, capsys):
    (done.folder.path / "report.html").mkdir()
    assert deliver(1, lambda: leave_page(done)) == 1
    assert deliver(0, lambda: leave_page(done)) == 4
    assert "Is a directory" in capsys.readouterr().err
    assert named(done) == f"record: {done.folder.path}\n"


def test_the_page_is_opened_in_the_users_browser(done, monkeypatch):
    """Whichever that is; a path with odd characters is an address that it can open."""
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    leave_page(done)
    assert open_page(done) is True
    assert opened == [(done.folder.path / "report.html").resolve().as_uri()]
