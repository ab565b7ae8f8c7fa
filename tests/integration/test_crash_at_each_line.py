"""A drill that is killed between any two lines of its journal is undone from what the journal says till then."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from crashing_journal import CRASHED, crash_points
from leakdrill.machine.mounts import mounts
from leakdrill.machine.process_tree import RUN_ID_VARIABLE
from leakdrill.record.stored_journal import read_journal
from leakdrill.runs.undo import clean_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.integration, pytest.mark.long]

DRILL = Path(__file__).with_name("crashing_drill.py")


def drill(runs: Path, number: int, when: str) -> tuple[Path, int]:
    run = runs / "tiny" / f"20260101T000000Z-{number}-{when}"
    run.mkdir(parents=True)
    command = [sys.executable, str(DRILL), str(run), run_id(run), str(number), when]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode in (0, CRASHED), ended.stderr
    return run, ended.returncode


def run_id(run: Path) -> str:
    return f"crash-{run.name}".lower()


def left(run: Path) -> Iterator[str]:
    """What is on the machine of the run: processes by mark or by name, and paths with its id."""
    for process in psutil.process_iter(["pid", "environ", "cmdline"]):
        if (process.info["environ"] or {}).get(RUN_ID_VARIABLE) == run_id(run):
            yield f"process {process.pid}"
    places = [Path("/tmp"), *(mount.path for mount in mounts() if mount.fstype.startswith("cgroup"))]  # noqa: S108
    yield from (str(path) for place in places for path in place.glob(f"leakdrill-{run_id(run)}*"))
    yield from (str(mount.path) for mount in mounts() if run_id(run) in str(mount.path))
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        if run_id(run) in backing.read_text():
            yield str(backing)


def sleepers() -> set[int]:
    """Children of the service, which carry no mark: only the control group tells whose they are."""
    wanted = "import time; time.sleep(300)"
    return {one.pid for one in psutil.process_iter(["cmdline", "environ"]) if wanted in (one.info["cmdline"] or ())}


@pytest.mark.timeout(900)
def test_nothing_is_left_wherever_the_journal_ends(tmp_path: Path) -> None:
    before = sleepers()
    whole, status = drill(tmp_path / "whole", 0, "before")
    assert status == 0
    lines = len((whole / "journal.jsonl").read_bytes().splitlines())
    assert lines > 15
    assert list(left(whole)) == []
    made = set[str]()
    for number, when in crash_points(lines):
        runs = tmp_path / f"{number}-{when}"
        run, status = drill(runs, number, when)
        assert status == CRASHED
        made |= {name.rpartition("/")[2] for name in left(run)}
        assert clean_runs(runs) == [], f"at line {number}, {when} it was written"
        assert list(left(run)) == [], f"at line {number}, {when} it was written"
        if number > 1 or when == "after":
            assert read_journal(run / "journal.jsonl") == []
            undone = (run / "journal.jsonl").read_bytes()
            assert clean_runs(runs) == []
            assert (run / "journal.jsonl").read_bytes() == undone, "a second clean changes nothing"
    assert len(made) > 10, "a sweep that never finds anything shows nothing"
    assert sleepers() <= before
