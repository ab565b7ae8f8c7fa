"""Whole drills."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

import pytest
import yaml
from drill_runner import HERE, QUICK, Running, Traces

from leakdrill.wait import TimedOut, wait_for
from leakdrill.yaml_file import read_yaml

if TYPE_CHECKING:
    from pathlib import Path


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(600))  # a drill takes minutes, and longer where it shares the machine


@pytest.fixture(scope="session", autouse=True)
def traces(tmp_path_factory):
    """What these tests' drills leave on the machine."""
    traces = Traces(tmp_path_factory.getbasetemp())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in traces.environment.items():
            patch.setenv(name, value)
        yield traces


def assert_gone(traces):
    """Fail with what is left; the kernel and the init process may take their time to see to the dead."""
    with contextlib.suppress(TimedOut):
        wait_for(traces.gone, what="an empty machine", timeout_s=30, every_s=0.2)
    assert not traces.residue()


@pytest.fixture(scope="session")
def main_drill(tmp_path_factory, traces):
    """`gateway/unbounded-cache`, run once for every test that looks at it; its record lies in `runs/`."""
    done = Running("gateway/unbounded-cache", tmp_path_factory.mktemp("main") / "runs").finish()
    assert_gone(traces)
    return done


@pytest.fixture
def start(tmp_path):
    """Starts a drill; one that still runs at the end is stopped."""
    started: list[Running] = []

    def begin(scenario) -> Running:
        started.append(Running(scenario, tmp_path / "runs"))
        return started[-1]

    yield begin
    for running in started:
        if running.process.poll() is None:
            running.process.send_signal(signal.SIGINT)
            running.process.communicate(timeout=120)


@pytest.fixture
def run(start):
    """Runs a drill to its end."""
    return lambda scenario: start(scenario).finish()


@pytest.fixture
def vary(tmp_path):
    """The quick scenario, or another, with some keys replaced, as a file: `vary({"phases.load": "9s"})`."""

    def write(changes: dict[str, object], original: Path = QUICK) -> Path:
        data = read_yaml(original, expected="a scenario", scalars="yaml 1.2").data
        data["load"]["locustfile"] = str((original.parent / data["load"]["locustfile"]).resolve())
        if "alerts" in data:
            data["alerts"]["rules"] = [str((original.parent / rule).resolve()) for rule in data["alerts"]["rules"]]
        for path, value in changes.items():
            *parents, last = path.split(".")
            place = data
            for key in parents:
                place = place[int(key)] if isinstance(place, list) else place[key]
            place[int(last) if isinstance(place, list) else last] = value
        path = tmp_path / "scenario.yaml"
        path.write_text(yaml.safe_dump(data))
        return path

    return write


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(traces):
    yield
    assert_gone(traces)
