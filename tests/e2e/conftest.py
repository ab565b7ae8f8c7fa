"""Whole drills."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest
import yaml
from drill_runner import HERE, QUICK, Running, residue

from harness.scenario_file import PlainLoader

if TYPE_CHECKING:
    from pathlib import Path


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def main_drill(tmp_path_factory):
    """`gateway/unbounded-cache`, run once for every test that looks at it; its record lies in `runs/`."""
    return Running("gateway/unbounded-cache", tmp_path_factory.mktemp("main") / "runs").finish()


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
            running.process.communicate(timeout=60)


@pytest.fixture
def run(start):
    """Runs a drill to its end."""
    return lambda scenario, timeout_s=150: start(scenario).finish(timeout_s)


@pytest.fixture
def vary(tmp_path):
    """The quick scenario with some keys replaced, as a file: `vary({"phases.load": "9s"})`."""

    def write(changes: dict[str, object]) -> Path:
        data = PlainLoader(QUICK.read_text()).get_single_data()
        data["load"]["locustfile"] = str((QUICK.parent / data["load"]["locustfile"]).resolve())
        data["alerts"]["rules"] = [str((QUICK.parent / rule).resolve()) for rule in data["alerts"]["rules"]]
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
def _leaves_nothing_behind():
    before = residue()
    yield
    deadline = time.monotonic() + 5
    while (left := residue() - before) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left
