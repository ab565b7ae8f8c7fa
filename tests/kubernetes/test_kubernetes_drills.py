"""Whole drills in a cluster: the same file and the same claims as on a process, and an API server that goes away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from api_proxy import ApiProxy

from harness.wait import wait_for

HERE = Path(__file__).parent
COMMAND = [sys.executable, "-m", "harness"]


def drill(name, runs, **more_env):
    return subprocess.Popen(
        [*COMMAND, "run", name, "--on", "kubernetes", "--runs", str(runs)],
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
def test_a_drill_passes_in_a_cluster_with_the_same_file(tmp_path, name):
    process = drill(name, tmp_path)
    out, _ = process.communicate(timeout=170)
    assert process.returncode == 0, out
    assert set(verdicts(tmp_path).values()) == {"PASS"}


def test_replicas_and_limits_change_under_load_that_does_not_notice(tmp_path):
    process = drill(str(HERE / "scale-out.yaml"), tmp_path)
    out, _ = process.communicate(timeout=170)
    assert process.returncode == 0, out
    assert verdicts(tmp_path)["requests_survive_steps", ""] == "PASS"


@pytest.mark.parametrize("phase", ["setup", "load"])
def test_ctrl_c_leaves_nothing_in_the_cluster(tmp_path, phase):
    process = drill("gateway/unbounded-cache", tmp_path)
    wait_for(lambda: recorded(tmp_path, f'"phase":"{phase}"'), what=phase, timeout_s=90)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=90)
    assert process.returncode == 130


def test_an_api_server_that_goes_away_in_the_middle_is_unknown_and_what_stays_is_named(tmp_path):
    proxy = ApiProxy(tmp_path)
    process = drill("gateway/unbounded-cache", tmp_path, KUBECONFIG=str(proxy.kubeconfig))
    wait_for(lambda: recorded(tmp_path, '"phase":"load"'), what="the load phase", timeout_s=90)
    time.sleep(2)
    proxy.cut()
    out, _ = process.communicate(timeout=170)
    again = ApiProxy(tmp_path, port=proxy.port)
    try:
        assert process.returncode == 2, out
        assert "could not be undone: namespace" in out
        cleaned = subprocess.run(
            [*COMMAND, "clean", "--runs", str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
        )
        assert cleaned.returncode == 0, cleaned.stdout + cleaned.stderr
    finally:
        again.cut()
