"""A load whose drill was killed ends by itself within ten seconds, however its users behave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.long]

DRILL = """
import sys, time
from pathlib import Path
from leakdrill.load.locust import LocustLoad
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.scenario.load import Load
here = Path(sys.argv[1])
load = LocustLoad(
    Load.model_validate({"locustfile": here / "locustfile.py", "users": 4, "workers": int(sys.argv[2])}),
    host="http://127.0.0.1:9", run_dir=here, run_id="test-run", recorder=Recorder(here / "history.jsonl"),
    journal=Journal(here / "journal.jsonl"), max_run_s=120,
)
load.start()
print(load.pid, flush=True)
time.sleep(100)
"""
POLITE = """
import time
from locust import User, constant, task
class Visitor(User):
    wait_time = constant(0.05)
    @task
    def visit(self):
        pass
"""
STUCK = """
from locust import User, constant, task
class Visitor(User):
    wait_time = constant(0.05)
    @task
    def visit(self):
        while True:  # never yields, so that no other greenlet of the process ever runs again
            pass
"""


def session_of(leader: int) -> list[psutil.Process]:
    """The processes of a session that run."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.Error):
            continue
    return found


@pytest.mark.parametrize(("locustfile", "workers"), [(POLITE, 1), (POLITE, 2), (STUCK, 1)])
def test_nothing_of_a_load_outlives_its_drill_by_ten_seconds(tmp_path: Path, locustfile: str, workers: int) -> None:
    (tmp_path / "locustfile.py").write_text(locustfile)
    (tmp_path / "drill.py").write_text(DRILL)
    drill = subprocess.Popen(
        [sys.executable, str(tmp_path / "drill.py"), str(tmp_path), str(workers)], stdout=subprocess.PIPE, text=True
    )
    assert drill.stdout is not None
    leader = int(drill.stdout.readline())
    try:
        time.sleep(1)
        assert session_of(leader)
        drill.send_signal(signal.SIGKILL)
        drill.wait()
        wait_for(lambda: not session_of(leader), what="the end of the load", timeout_s=10)
    finally:
        for process in session_of(leader):
            process.kill()
        drill.kill()
        drill.stdout.close()
