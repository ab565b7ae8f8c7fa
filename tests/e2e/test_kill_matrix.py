"""A handful of cells of the kill matrix; `make kill-matrix` plays all of them."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from kill_cell import DEADLINE_S, play
from kill_left import MARK, Traces
from kill_plan import ALERTING, Cell

from leakdrill.record.journal import Journal

CELLS = [
    Cell("process", "scale", "setup", signal.SIGKILL),
    Cell("process", ALERTING, "load", signal.SIGKILL),
    Cell("process", "exec", "mitigate", signal.SIGKILL),
    Cell("process", "restart", "teardown", signal.SIGKILL),
    Cell("process", "exec", "mitigate", signal.SIGTERM),
    Cell("process", "set_env", "teardown", signal.SIGINT),
]


@pytest.mark.long
def test_nothing_is_left_of_a_killed_drill_and_nobody_called_clean() -> None:
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(play, CELLS))
    assert [result for result in results if result.fault] == []
    assert [result.name for result in results if not result.came] == []
    assert max(result.gone_after_s or DEADLINE_S for result in results) < DEADLINE_S


def test_what_is_left_is_seen(tmp_path):
    temp, runs = tmp_path / "temp", tmp_path / "runs"
    run = runs / "kill" / "20260101T000000Z"
    for folder in (temp, run):
        folder.mkdir(parents=True)
    traces = Traces("a mark", "kill-20260101", temp, runs, drill=0)
    assert traces.left("process") == []
    (temp / "leakdrill-agent").mkdir()
    journal = Journal(run / "journal.jsonl")
    journal.plan("cgroup", path="/nowhere")
    journal.close()
    command = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"]
    with subprocess.Popen(command, env={MARK: "a mark"}, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        left = [line.split()[0] for line in traces.left("process")]
        process.kill()
    assert sorted(left) == ["journal", "process", "temporary"]
