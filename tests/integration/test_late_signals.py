"""Signals at the very end of a run: it ends with 130 or with its own code, never by a signal, and no file is half."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from leakdrill.machine.child_signals import with_default_sigint
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.long]

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WATCH = [sys.executable, "-m", "leakdrill", "watch", "--limit", "1GiB", "--json"]


def watched(runs: Path) -> subprocess.Popen[bytes]:
    """A short watched command, once its run folder is there: from then on something could be left half done."""
    process = subprocess.Popen(
        with_default_sigint([*WATCH, "--runs", str(runs), "--", "sleep", "0.3"]),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    wait_for(lambda: list(runs.glob("*/2*")), what="the run folder", timeout_s=30)
    return process


def check_end(process: subprocess.Popen[bytes], runs: Path) -> int:
    _, errors = process.communicate(timeout=30)
    assert process.returncode in (0, 2, 130), errors.decode()
    assert b"Traceback" not in errors
    for file in runs.glob("*/2*/verdicts.json"):
        json.loads(file.read_bytes())
    return process.returncode


def test_one_signal_at_any_moment_of_the_end(tmp_path: Path) -> None:
    codes = set()
    for number in range(12):
        process = watched(tmp_path / str(number))
        time.sleep(number * 0.1)
        process.send_signal(STOPS[number % len(STOPS)])
        codes.add(check_end(process, tmp_path / str(number)))
    assert 130 in codes, "no signal came while it ran, so nothing was tried"


def test_a_burst_of_signals_from_the_start_to_the_end(tmp_path: Path) -> None:
    process, sent = watched(tmp_path), 0
    while process.poll() is None:
        os.kill(process.pid, STOPS[sent % len(STOPS)])
        sent += 1
        time.sleep(0.002)
    assert sent > len(STOPS)
    assert check_end(process, tmp_path) == 130
