"""Whole drills on Docker: the same file and the same claims as on a process, and an engine that goes away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from engine_proxy import EngineProxy

from harness.wait import wait_for

COMMAND = [sys.executable, "-m", "harness"]


def drill(name, runs, **more_env):
    return subprocess.Popen(
        [*COMMAND, "run", name, "--on", "docker", "--runs", str(runs)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **more_env},
    )


def recorded(runs, text):
    return any(text in history.read_text() for history in runs.glob("*/2*/history.jsonl"))


def verdicts(runs):
    (file,) = runs.glob("*/2*/verdicts.json")
    return {(v["check"], v["subject"]): v["outcome"] for v in json.loads(file.read_text())["verdicts"]}


@pytest.mark.parametrize("name", ["gateway/unbounded-cache", "gateway/healthy"])
def test_a_drill_passes_on_docker_with_the_same_file(tmp_path, name):
    process = drill(name, tmp_path)
    out, _ = process.communicate(timeout=170)
    assert process.returncode == 0, out
    assert set(verdicts(tmp_path).values()) == {"PASS"}


@pytest.mark.parametrize("phase", ["setup", "baseline", "load"])
def test_ctrl_c_leaves_nothing_on_the_engine(tmp_path, phase):
    process = drill("gateway/unbounded-cache", tmp_path)
    wait_for(lambda: recorded(tmp_path, f'"phase":"{phase}"'), what=phase, timeout_s=60)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_an_engine_that_goes_away_in_the_middle_is_unknown_and_what_stays_is_named(tmp_path):
    proxy = EngineProxy()
    process = drill("gateway/healthy", tmp_path, DOCKER_HOST=proxy.url)
    wait_for(lambda: recorded(tmp_path, '"phase":"load"'), what="the load phase", timeout_s=60)
    time.sleep(2)
    proxy.cut()
    out, _ = process.communicate(timeout=170)
    again = EngineProxy(port=proxy.port)
    try:
        assert process.returncode == 2, out
        assert "could not be undone: container" in out
        cleaned = subprocess.run(
            [*COMMAND, "clean", "--runs", str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
        )
        assert cleaned.returncode == 0, cleaned.stdout
    finally:
        again.cut()
