"""The life of a run: whatever ends it, what it changed is undone, and its files are closed and judged."""

from __future__ import annotations

import os
import signal
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

from leakdrill.errors import BadInput, EnvironmentProblem, Interrupted
from leakdrill.machine.signals import interruptible
from leakdrill.record.ownership import owner_lives
from leakdrill.record.stored_journal import read_journal
from leakdrill.runs.session import RunSession

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.record.journal import Journal


@pytest.fixture
def sentences() -> list[str]:
    return []


@pytest.fixture
def session(tmp_path: Path, sentences: list[str]) -> RunSession:
    return RunSession(tmp_path, "test/life", notify=sentences.append, signals=nullcontext())


def make_folder(journal: Journal, folder: Path) -> Path:
    """A folder that the journal holds."""
    path = folder / "made"
    entry = journal.plan("folder", path=str(path))
    path.mkdir()
    journal.done(entry)
    return path


def refuse() -> None:
    raise EnvironmentProblem("it does not start")


def test_a_run_has_a_folder_with_an_owner_a_record_and_a_journal(session: RunSession) -> None:
    with session:
        assert owner_lives(session.folder.path)
        assert session.folder.history.exists()
        assert session.folder.journal.exists()


def test_an_error_is_kept_and_everything_is_undone_in_each_journal(session: RunSession) -> None:
    with session:
        second = session.open_journal(session.folder.path / "second")
        made = [
            make_folder(session.journal, session.folder.path),
            make_folder(second, session.folder.path / "second"),
        ]
        with session.keeping_error():
            refuse()
    assert isinstance(session.error, EnvironmentProblem)
    assert [path for path in made if path.exists()] == []
    assert read_journal(session.folder.journal) == []


def test_bad_input_leaves_the_session_and_everything_is_undone(session: RunSession) -> None:
    def make_and_refuse() -> None:
        make_folder(session.journal, session.folder.path)
        raise BadInput("no such rule")

    with pytest.raises(BadInput), session:
        make_and_refuse()
    assert not (session.folder.path / "made").exists()


def test_a_signal_does_not_interrupt_the_undo_and_is_kept_as_what_ended_the_run(tmp_path: Path) -> None:
    stopped: list[str] = []
    with RunSession(tmp_path, "life", notify=stopped.append, signals=interruptible()) as session:
        made = make_folder(session.journal, session.folder.path)
        session.at_end(lambda: stopped.append("first"))
        session.at_end(lambda: os.kill(os.getpid(), signal.SIGHUP))
    assert isinstance(session.error, Interrupted)
    assert stopped == ["first"]
    assert not made.exists()


def test_the_first_error_is_what_ended_the_run(tmp_path: Path) -> None:
    with RunSession(tmp_path, "life", notify=print, signals=interruptible()) as session:
        session.at_end(lambda: os.kill(os.getpid(), signal.SIGTERM))
        with session.keeping_error():
            refuse()
    assert isinstance(session.error, EnvironmentProblem)


def test_what_cannot_be_undone_is_told_and_tried_again_by_the_next_run(
    session: RunSession, sentences: list[str], tmp_path: Path
) -> None:
    with session:
        session.journal.plan("galaxy")
        session.undo()
    (sentence,) = sentences
    assert sentence.startswith("could not be undone: galaxy")
    assert "`leakdrill clean` tries again" in sentence
    (session.folder.path / "drill.pid").unlink()
    with RunSession(tmp_path, "next", notify=sentences.append, signals=nullcontext()):
        pass
    assert sentences[1].startswith("left by an earlier run: ")
