"""Load from workers in containers beside the target: the same claims, a loss that shows, and nothing left."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from drills import drill, record, told, wait_for_phase
from engine_here import build_image_with_locust
from leakdrill.wait import wait_for

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WORKER = "-load-1"


@pytest.fixture(scope="module", autouse=True)
def _an_image_with_locust(engine):
    build_image_with_locust(engine)


def events(runs, name):
    return record(runs).where(source="load", name=name)


def worker_of(engine, runs):
    """The first worker of the drill that writes into `runs`; None before it is there."""
    names = [path.parent.name for path in runs.glob("*/2*/journal.jsonl")]
    found = engine.containers.list(filters={"name": WORKER}, ignore_removed=True)
    return next((c for c in found if any(name.lower() in c.name.lower() for name in names)), None)


def test_two_containers_carry_the_load_of_a_drill_and_one_that_dies_is_seen(engine, tmp_path):
    """Every claim about the service holds as with a Locust here; the worker that was killed makes the drill UNKNOWN."""
    process = drill(str(HERE / "two-workers.yaml"), tmp_path, "docker")
    wait_for_phase(tmp_path, "recover", timeout_s=120)
    worker_of(engine, tmp_path).kill()
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 2, out
    said = told(tmp_path)
    for check in ("measurements_are_complete", "load_is_as_asked"):
        verdict = said.pop((check, ""))
        assert verdict["outcome"] == "UNKNOWN"
        assert "Locust lost 1 of 2 workers" in verdict["message"]
    assert {v["outcome"] for v in said.values()} == {"PASS"}, out
    assert [e.value for e in events(tmp_path, "worker_ended")] == ["container ended with 137"]
    assert {e.value["workers"] for e in events(tmp_path, "requests")} >= {1.0, 2.0}


def test_ctrl_c_while_workers_come_up_leaves_nothing(engine, tmp_path):
    process = drill(str(HERE / "two-workers.yaml"), tmp_path, "docker")
    wait_for(lambda: worker_of(engine, tmp_path) is not None, what="the first worker", timeout_s=60)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, out


def test_an_image_without_locust_is_told_with_what_it_said(tmp_path):
    text = (HERE / "two-workers.yaml").read_text().replace("../..", str(ROOT))
    (tmp_path / "drill.yaml").write_text(text.replace("workers: 2", "workers: 2\n  image: leakdrill-samples"))
    out, _ = (process := drill(str(tmp_path / "drill.yaml"), tmp_path / "runs", "docker")).communicate(timeout=120)
    assert process.returncode == 4, out
    assert "0 of 2 workers reached Locust's master" in " ".join(out.split())
    assert "No module named 'locust'" in " ".join(out.split())


@pytest.mark.long
def test_compose_workers_reach_the_service_by_its_name(engine, tmp_path):
    """In the network of the project, which would not go while one of them is in it."""
    process = drill(str(HERE / "compose" / "two-workers.yaml"), tmp_path)
    wait_for(lambda: worker_of(engine, tmp_path) is not None, what="the first worker", timeout_s=120)
    networks = worker_of(engine, tmp_path).attrs["NetworkSettings"]["Networks"]
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    assert [name for name in networks if "leakdrill-compose-two-workers" in name]
    (log,) = tmp_path.glob("*/2*/load-worker-2.log")
    assert "quit message from master" in log.read_text()
