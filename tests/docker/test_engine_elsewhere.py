"""An engine that is reached over TCP: nothing of this machine is used as a short cut, and the drill is the same."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import yaml
from engine_proxy import EngineProxy

from drills import drill, record
from leakdrill.errors import BadInput
from leakdrill.runs.catalogue.catalogue import find_scenario
from leakdrill.scenario.target import ContainerForm
from leakdrill.targets.docker.remote_engine import engine_host, reachable
from leakdrill.yaml_file import read_yaml

pytestmark = pytest.mark.long

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def far():
    """An engine behind a port of loopback, as one behind a tunnel is."""
    proxy = EngineProxy()
    yield proxy.url
    proxy.cut()


def leakdrill(*words: str, host: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "leakdrill", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "DOCKER_HOST": host},
        timeout=170,
        check=False,
    )


@pytest.fixture
def patient(tmp_path):
    """A file of the catalogue with fewer steps, and phases long enough for one reading a second."""

    def write(name: str, *steps: str) -> Path:
        file = find_scenario(name)
        data = read_yaml(file, expected="a scenario", scalars="yaml 1.2").data
        data["target"]["container"]["build"] = str(file.parents[2])
        data["load"]["locustfile"] = str(file.parent / data["load"]["locustfile"])
        data["alerts"]["rules"] = [str(file.parent / rules) for rules in data["alerts"]["rules"]]
        data["phases"] |= {"baseline": "14s", "recover": "24s"}
        kept = [step for step in data["steps"] if step["name"] in steps]
        kept[0]["on"] = data["steps"][0]["on"]
        kept[0]["seen"] = {"falls_by": "80%", "within": "8s"}
        path = tmp_path / f"{file.stem}.yaml"
        path.write_text(yaml.safe_dump({**data, "steps": kept, "covers": []}))
        return path

    return write


def test_drills_pass_on_the_engine_s_statistics_alone(tmp_path, far, patient):
    """Side by side: their machine does little, and the engine has room for both."""
    steps = {"gateway/unbounded-cache-restart": "restart the gateway", "gateway/log-flood": "rotate the log"}
    running = {
        name: drill(str(patient(name, step)), tmp_path / name, "docker", DOCKER_HOST=far)
        for name, step in steps.items()
    }
    said = {name: process.communicate(timeout=170)[0] for name, process in running.items()}
    assert {name: process.returncode for name, process in running.items()} == dict.fromkeys(steps, 0), said
    for name in steps:
        _only_the_engine_was_asked(record(tmp_path / name))


def _only_the_engine_was_asked(history):
    assert not history.where(source="process"), "processes of this machine were read"
    assert not history.where(source="engine"), "the engine's statistics stand beside nothing here"
    readings = [event.value for event in history.where(source="cgroup", name="resources") if event.value]
    assert all("limit_bytes" in reading for reading in readings)
    assert readings
    (said,) = [str(e.value) for e in history.where(source="drill", name="notice") if "control groups" in str(e.value)]
    assert "on 127.0.0.1" in said


def test_the_gate_says_that_it_needs_the_processes(tmp_path, far):
    done = leakdrill("gate", "gateway/healthy", "--on", "docker", "--runs", str(tmp_path), "--json", host=far)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "an engine on this machine" in done.stderr


def test_a_loopback_port_of_another_machine_is_refused_with_what_to_do():
    form = ContainerForm(image="shop")
    with pytest.raises(BadInput, match=r"publish: 127.0.0.1 is the loopback of build-7") as refused:
        reachable(form, "build-7")
    assert "run leakdrill on build-7" in str(refused.value.hint)
    assert reachable(ContainerForm(image="shop", publish="10.0.0.7"), "build-7") == "10.0.0.7"
    assert reachable(ContainerForm(image="shop", publish="0.0.0.0"), "build-7") == "build-7"
    assert reachable(form, None) == reachable(form, "127.0.0.1") == "127.0.0.1"


@pytest.mark.parametrize(
    ("base_url", "docker_host", "host"),
    [
        ("http+docker://localhost", "", None),
        ("http+docker://ssh", "ssh://me@build-7", "build-7"),
        ("https://build-7:2376", "tcp://build-7:2376", "build-7"),
    ],
)
def test_where_an_engine_runs_is_read_from_the_way_to_it(monkeypatch, base_url, docker_host, host):
    monkeypatch.setenv("DOCKER_HOST", docker_host)
    client = SimpleNamespace(api=SimpleNamespace(base_url=base_url))
    assert engine_host(client) == host
