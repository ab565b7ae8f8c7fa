"""After a SIGKILL of the drill the journal alone is enough to take everything back."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from leakdrill.machine.process_tree import PART_VARIABLE, RUN_ID_VARIABLE, ProcessTree
from leakdrill.record.journal import Entry, Journal, read_journal
from leakdrill.record.ownership import note_owner, owner_lives
from leakdrill.runs.undo import clean, clean_runs, undo, undo_all

pytestmark = pytest.mark.integration

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


def test_a_process_that_was_only_planned_is_found_by_its_marker(tmp_path: Path) -> None:
    run_id = f"planned-{tmp_path.name}"
    child = marked_child(run_id, "target")
    other = marked_child(run_id, "load")
    try:
        assert undo(Entry(1, "process", {"run_id": run_id, "part": "target"})) is None
        assert child.wait(60) == -signal.SIGTERM
        assert other.poll() is None
        assert undo(Entry(2, "process", {"run_id": run_id})) is None
        assert other.wait(60) == -signal.SIGTERM
    finally:
        for process in (child, other):
            process.kill()
            process.wait()


def test_a_recorded_pid_with_another_runs_marker_is_left_alone(tmp_path: Path) -> None:
    child = marked_child(f"theirs-{tmp_path.name}", "target")
    try:
        data = {"run_id": "ours", "pid": child.pid, "create_time": psutil.Process(child.pid).create_time()}
        assert undo(Entry(1, "process", data)) is None
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()


def test_what_no_run_made_is_refused(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    for kind, path in (("folder", precious), ("cgroup", precious), ("mount", precious / "disk")):
        reason = undo(Entry(1, kind, {"path": str(path)}))
        assert reason is not None
        assert "does not begin with leakdrill-" in reason
    assert precious.is_dir()


def test_a_folder_inside_of_a_run_folder_is_the_runs_own(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").touch()
    data = tmp_path / "prometheus" / "data"
    (data / "wal").mkdir(parents=True)
    assert undo(Entry(1, "folder", {"path": str(data)})) is None
    assert not data.exists()


@pytest.mark.parametrize("kind", ["folder", "cgroup", "mount"])
def test_undoing_what_is_gone_is_done(kind: str) -> None:
    assert undo(Entry(1, kind, {"path": "/nowhere/leakdrill-x" + ("/disk" if kind == "mount" else "")})) is None


@pytest.mark.parametrize("kind_and_data", [("galaxy", {}), ("folder", {})])
def test_an_entry_that_nobody_understands_is_reported(kind_and_data: tuple[str, dict[str, Any]]) -> None:
    assert undo(Entry(1, *kind_and_data)) is not None


def test_undo_all_takes_back_the_newest_first_and_goes_on_after_a_failure(tmp_path: Path) -> None:
    outer, inner = tmp_path / "leakdrill-outer", tmp_path / "leakdrill-outer" / "leakdrill-inner"
    inner.mkdir(parents=True)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    journal = Journal(tmp_path / "facts.jsonl")
    journal.plan("folder", path=str(outer))
    journal.plan("folder", path=str(foreign))
    journal.plan("folder", path=str(inner))
    reasons = undo_all(journal)
    journal.close()
    assert len(reasons) == 1
    assert "foreign" in reasons[0]
    assert not outer.exists()
    states = [json.loads(line) for line in (tmp_path / "facts.jsonl").read_text().splitlines()]
    assert [s["id"] for s in states if s["state"] == "undone"] == [3, 1]


def test_a_recycled_pid_does_not_count_as_a_living_drill(tmp_path: Path) -> None:
    note_owner(tmp_path)
    assert owner_lives(tmp_path)
    owner = json.loads((tmp_path / "drill.pid").read_text())
    (tmp_path / "drill.pid").write_text(json.dumps({**owner, "create_time": owner["create_time"] - 100}))
    assert not owner_lives(tmp_path)


def marked_child(run_id: str, part: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        env={RUN_ID_VARIABLE: run_id, PART_VARIABLE: part},
        start_new_session=True,
    )
