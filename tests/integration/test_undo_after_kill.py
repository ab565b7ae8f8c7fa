"""After a SIGKILL of the drill the journal alone is enough to take everything back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from leakdrill.machine.process_tree import PART_VARIABLE, RUN_ID_VARIABLE, ProcessTree
from leakdrill.record.journal import Entry, Journal
from leakdrill.record.journal_header import MARK_VARIABLE, Header
from leakdrill.record.ownership import note_owner, owner_lives
from leakdrill.record.stored_journal import read_journal
from leakdrill.record.undo import undo as undo_with
from leakdrill.runs.undo import UNDO, clean, clean_runs, undo_all

pytestmark = [pytest.mark.integration, pytest.mark.long]

DRIVER = """
import sys, time
from pathlib import Path
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.scenario.scenario import ProcessTarget
from leakdrill.targets.process.target import LocalProcess
from leakdrill.record.ownership import note_owner

run_dir = Path(sys.argv[1])
note_owner(run_dir)
target = LocalProcess(
    ProcessTarget.model_validate({
        "name": "tiny",
        "command": ["{python}", "-m", "http.server", "{port}", "--bind", "127.0.0.1"],
        "ready": {"path": "/"},
        "limits": {"memory": "256MiB", "disk": "16MiB"},
    }),
    scenario_dir=run_dir, run_dir=run_dir, run_id=sys.argv[2], recorder=Recorder(run_dir / "history.jsonl"),
    journal=Journal(run_dir / "journal.jsonl"), token="t",
)
target.start()
print("started", flush=True)
time.sleep(600)
"""


def killed_drill(runs: Path, run_id: str, *, kill: bool = True) -> tuple[Path, subprocess.Popen[str]]:
    run_dir = runs / "tiny" / "20260101T000000Z"
    run_dir.mkdir(parents=True)
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(run_dir), run_id], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert driver.stdout
    assert driver.stdout.readline() == "started\n"
    if kill:
        end(driver)
    return run_dir, driver


def end(driver: subprocess.Popen[str]) -> None:
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    if driver.stdout:
        driver.stdout.close()


def left(run_dir: Path) -> list[Path]:
    entries = read_journal(run_dir / "journal.jsonl")
    return [Path(e.data["path"]) for e in entries if "path" in e.data and Path(e.data["path"]).exists()]


def test_clean_takes_back_everything_that_a_killed_drill_left(tmp_path: Path) -> None:
    run_dir, _ = killed_drill(tmp_path, f"kill-{tmp_path.name}")
    journal = run_dir / "journal.jsonl"
    made = left(run_dir)
    assert made
    assert len(ProcessTree(run_id=f"kill-{tmp_path.name}").members()) == 1
    with journal.open("ab") as torn:
        torn.write(b'{"id": 99, "state": "pla')
    assert clean_runs(tmp_path) == []
    assert ProcessTree(run_id=f"kill-{tmp_path.name}").members() == []
    assert [path for path in made if path.exists()] == []
    assert read_journal(journal) == []
    assert clean(journal) == []


def test_clean_leaves_a_living_drill_alone(tmp_path: Path) -> None:
    run_dir, driver = killed_drill(tmp_path, f"live-{tmp_path.name}", kill=False)
    try:
        assert owner_lives(run_dir)
        assert clean_runs(tmp_path) == []
        assert len(ProcessTree(run_id=f"live-{tmp_path.name}").members()) == 1
    finally:
        end(driver)
    assert not owner_lives(run_dir)
    assert clean_runs(tmp_path) == []
    assert ProcessTree(run_id=f"live-{tmp_path.name}").members() == []


@pytest.fixture
def header(tmp_path: Path) -> Header:
    """That of a run whose drill is gone."""
    return replace(Header.of_this_process(tmp_path, inode=1), pid=2**22 + 1)


def undo(entry: Entry, header: Header) -> str | None:
    return undo_with(entry, UNDO, header)


def test_a_process_that_was_only_planned_is_found_by_its_marker(tmp_path: Path, header: Header) -> None:
    run_id = f"planned-{tmp_path.name}"
    child = marked_child(run_id, "target", header.mark)
    other = marked_child(run_id, "load", header.mark)
    try:
        assert undo(Entry(1, "process", {"run_id": run_id, "part": "target"}), header) is None
        assert child.wait(60) == -signal.SIGTERM
        assert other.poll() is None
        assert undo(Entry(2, "process", {"run_id": run_id}), header) is None
        assert other.wait(60) == -signal.SIGTERM
    finally:
        for process in (child, other):
            process.kill()
            process.wait()


@pytest.mark.parametrize("pid_of", ["child", "init", "this", "parent"])
def test_a_process_without_the_mark_is_left_alone_whatever_the_journal_says(
    tmp_path: Path, header: Header, pid_of: str
) -> None:
    run_id = f"theirs-{tmp_path.name}"
    child = marked_child(run_id, "target", "0" * 32)
    try:
        pid = {"child": child.pid, "init": 1, "this": os.getpid(), "parent": os.getppid()}[pid_of]
        data = {"run_id": run_id, "pid": pid, "create_time": psutil.Process(pid).create_time()}
        reason = undo(Entry(1, "process", data), header)
        assert reason is not None
        assert f"process {pid}" in reason
        assert "does not carry the mark of the run, so it was left" in reason
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("pid", [0, -1, 2**31 - 1, 2**70, True, "1", None, [1]])
def test_a_number_that_is_no_process_ends_nothing(tmp_path: Path, header: Header, pid: object) -> None:
    assert undo(Entry(1, "process", {"run_id": tmp_path.name, "pid": pid, "create_time": "x"}), header) is None


def test_what_no_run_made_is_refused(tmp_path: Path, header: Header) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    precious = outside / "leakdrill-precious"
    precious.mkdir(parents=True)
    (precious / "cgroup.procs").write_text(f"{os.getpid()}\n")
    for kind, path in (("folder", precious), ("cgroup", precious), ("mount", precious / "disk")):
        reason = undo(Entry(1, kind, {"path": str(path)}), header)
        assert reason is not None
        assert "neither its name nor its place is one that this run gives" in reason
    assert precious.is_dir()
    shutil.rmtree(outside)


def test_a_folder_inside_of_the_run_folder_is_the_runs_own(tmp_path: Path, header: Header) -> None:
    data = tmp_path / "prometheus" / "data"
    (data / "wal").mkdir(parents=True)
    assert undo(Entry(1, "folder", {"path": str(data)}), header) is None
    assert not data.exists()


def test_a_cgroup_is_known_by_its_name_and_by_the_kernel(tmp_path: Path, header: Header) -> None:
    """A folder with a file `cgroup.procs` in it is none, even where its name is the run's own."""
    made_up = tmp_path / header.own_name("x")
    made_up.mkdir()
    child = marked_child("theirs", "target", "0" * 32)
    try:
        (made_up / "cgroup.procs").write_text(f"{child.pid}\n")
        reason = undo(Entry(1, "cgroup", {"path": str(made_up)}), header)
        assert reason is not None
        assert undo(Entry(2, "process", {"run_id": "x", "cgroup": str(made_up)}), header) is None
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("kind", ["folder", "cgroup", "mount"])
def test_undoing_what_is_gone_is_done(kind: str, header: Header) -> None:
    path = f"/nowhere/{header.own_name('x')}" + ("/disk" if kind == "mount" else "")
    assert undo(Entry(1, kind, {"path": path}), header) is None


@pytest.mark.parametrize("kind_and_data", [("galaxy", {}), ("folder", {}), ("folder", {"path": 3}), ("process", {})])
def test_an_entry_that_nobody_understands_is_reported(
    kind_and_data: tuple[str, dict[str, Any]], header: Header
) -> None:
    assert undo(Entry(1, *kind_and_data), header) is not None


def test_undo_all_takes_back_the_newest_first_and_goes_on_after_a_failure(tmp_path: Path) -> None:
    outer, inner = tmp_path / "outer", tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    foreign = tmp_path.parent / "foreign"
    foreign.mkdir(exist_ok=True)
    journal = Journal(tmp_path / "facts.jsonl")
    journal.plan("folder", path=str(outer))
    journal.plan("folder", path=str(foreign))
    journal.plan("folder", path=str(inner))
    reasons = undo_all(journal)
    journal.close()
    assert len(reasons) == 1
    assert "foreign" in reasons[0]
    assert not outer.exists()
    states = [json.loads(line) for line in (tmp_path / "facts.jsonl").read_text().splitlines()[1:]]
    assert [s["id"] for s in states if s["state"] == "undone"] == [3, 1]


def test_a_recycled_pid_does_not_count_as_a_living_drill(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    note_owner(tmp_path)
    assert owner_lives(tmp_path)
    journal.close()
    assert owner_lives(tmp_path)  # this process still lives
    header = {**journal.header.as_line(), "started": journal.header.started - 100}
    (tmp_path / "journal.jsonl").write_text(json.dumps(header) + "\n")
    assert not owner_lives(tmp_path)


def marked_child(run_id: str, part: str, mark: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        env={RUN_ID_VARIABLE: run_id, PART_VARIABLE: part, MARK_VARIABLE: mark},
        start_new_session=True,
    )
