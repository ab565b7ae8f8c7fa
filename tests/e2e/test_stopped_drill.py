"""A drill that is stopped for a while and goes on has missed readings: its load and its service did not stop."""

from __future__ import annotations

import itertools
import signal
import time

import psutil
import pytest
from kill_plan import Cell

from drills import drill, record, told, wait_for_phase
from leakdrill.record.events import LoadRequests, LoadStart

pytestmark = pytest.mark.long

STOPPED_S = 60.0


def test_a_stopped_and_continued_drill_is_unknown_and_says_so(tmp_path):
    cell = Cell("process", "http", "load", signal.SIGSTOP)
    process = drill(cell.scenario(tmp_path), tmp_path)
    wait_for_phase(tmp_path, "load")
    (start,) = record(tmp_path).acts(LoadStart)
    process.send_signal(signal.SIGSTOP)
    time.sleep(STOPPED_S)
    assert psutil.Process(int(start.end.pid)).is_running(), "its watchdog took it for dead"
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=120)
    assert process.returncode in (1, 2)
    verdict = told(tmp_path)["measurements_are_complete", ""]
    assert verdict["outcome"] == "UNKNOWN"
    assert "the drill itself stood still for" in verdict["message"]
    assert "while its load and its service went on" in verdict["message"]
    counted = [event.requests for event in record(tmp_path).of(LoadRequests)]
    assert max(b - a for a, b in itertools.pairwise(counted)) > STOPPED_S * 8, "the load did not go on"
    assert not list(tmp_path.glob("*/2*/watchdog.log"))
