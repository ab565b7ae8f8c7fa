"""Whole drills on compose services: replicas share a load, a rate limit in front cures one fault and not another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from engine_proxy import EngineProxy

from drills import cleaned, drill, told, wait_for_phase
from leakdrill.machine.ports import free_port
from leakdrill.targets.compose.replicas import PROJECT_LABEL, SERVICE_LABEL

pytestmark = pytest.mark.long

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PORTS = ("GATEWAY", "PIPELINE", "ORDERS", "TENSOR", "NGINX", "LIMITED", "ALERTMANAGER", "PROMETHEUS", "LOCUST")
PROJECT = "leakdrill-stack-test"


def test_drills_on_one_compose_file_pass_side_by_side(tmp_path):
    """Replicas share the load; nginx' rate limit cures an overload and does not cure a cache; the runs never meet."""
    names = ("spread", "limit-cures", "limit-does-not-cure")
    running = {name: drill(str(HERE / "compose" / f"{name}.yaml"), tmp_path / name) for name in names}
    said = {name: process.communicate(timeout=170)[0] for name, process in running.items()}
    assert {name: process.returncode for name, process in running.items()} == dict.fromkeys(names, 0), said
    assert "an even share is" in told(tmp_path / "spread")["load_is_spread", "3 replicas"]["message"]
    assert "step_works" in {check for check, _ in told(tmp_path / "limit-cures")}
    assert "step_does_not_cure" in {check for check, _ in told(tmp_path / "limit-does-not-cure")}


def test_ctrl_c_leaves_nothing_of_the_project(tmp_path):
    process = drill(str(HERE / "compose" / "spread.yaml"), tmp_path)
    wait_for_phase(tmp_path, "baseline")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_an_engine_that_goes_away_in_the_middle_is_unknown_and_the_project_is_named(tmp_path):
    """What could not be removed is named and stays in the journal, from which `leakdrill clean` removes it."""
    proxy = EngineProxy()
    process = drill(str(HERE / "compose" / "plain.yaml"), tmp_path, DOCKER_HOST=proxy.url)
    wait_for_phase(tmp_path, "load")
    proxy.cut()
    out, _ = process.communicate(timeout=170)
    again = EngineProxy(port=proxy.port)
    try:
        assert process.returncode == 2, out
        assert "could not be undone: project" in " ".join(out.split())
        cleaned(tmp_path)
    finally:
        again.cut()


@pytest.fixture
def stack(engine):  # noqa: ARG001 - without an engine there is nothing to try
    """The part of the staging stack that watches the gateway, an hour a minute, on ports of its own."""
    ports = {name: free_port() for name in PORTS}
    env = {**os.environ, **{f"LEAKDRILL_{name}_PORT": str(port) for name, port in ports.items()}}
    env |= {"LEAKDRILL_TIME_SCALE": "60", "LEAKDRILL_GATEWAY_MEMORY": "128m", "PYTHONPATH": str(ROOT / "deploy")}

    def compose(*words):
        command = [sys.executable, "-m", "staging", *words, "--project", PROJECT]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=170)

    up = compose("up", str(ROOT / "docker-compose.yml"), "gateway", "prometheus")
    try:
        assert up.returncode == 0, up.stderr
        yield ports
    finally:
        down = compose("down", str(ROOT / "docker-compose.yml"))
    assert down.returncode == 0, down.stderr


def test_a_drill_on_the_stack_that_is_up_is_told_by_its_own_alerting(tmp_path, stack, engine):
    """The stack's Prometheus fires, its Alertmanager tells its receiver, and no leak is on afterwards."""
    text = (HERE / "compose" / "staging.yaml").read_text().replace("../../..", str(ROOT)).replace("PROJECT", PROJECT)
    for name in ("PROMETHEUS", "ALERTMANAGER"):
        text = text.replace(f":{name}", f":{stack[name]}")
    (tmp_path / "staging.yaml").write_text(text)
    process = drill(str(tmp_path / "staging.yaml"), tmp_path / "runs")
    out, _ = process.communicate(timeout=170)
    assert process.returncode == 0, out
    (arrived,) = [v for (check, _), v in told(tmp_path / "runs").items() if check == "notification_arrives"]
    assert "held by Alertmanager" in arrived["message"]
    labels = [f"{PROJECT_LABEL}={PROJECT}", f"{SERVICE_LABEL}=exporter"]
    (exporter,) = engine.containers.list(filters={"label": labels})
    assert b'"receiver": "monitoring", "status": "firing"' in exporter.logs()
    answer = httpx.get(
        f"http://127.0.0.1:{stack['GATEWAY']}/admin/leaks", headers={"Authorization": "Bearer staging"}, timeout=5
    )
    assert not [leak["name"] for leak in answer.json()["leaks"] if leak["on"]]
