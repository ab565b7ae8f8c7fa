"""No step on a container reaches another one: decoys on the engine stay as they were through the catalogue."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from leakdrill.runs.undo import clean, undo_all
from leakdrill.scenario.target import ContainerForm
from leakdrill.steps.step import StepFailed
from leakdrill.targets.docker.engine import RUN_LABEL
from leakdrill.targets.docker.target import DockerTarget
from leakdrill.targets.replicated.target import ReplicatedTarget
from target_bench import ROOT, TargetBench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient

pytestmark = pytest.mark.long

RUN_ID = "blast-radius-docker"
IMAGE = "leakdrill-samples"
STEPS: tuple[dict[str, Any], ...] = (
    {"http": {"method": "GET", "path": "/health"}},
    {"gc": {}},
    {"exec": {"command": ["sh", "-c", "sleep 60 & true"]}},
    {"exec": {"command": ["sh", "-c", "for n in app old; do echo x > /data/$n.log; done; touch /data/core.tmp"]}},
    {"copy_out": {"path": "app.log"}},
    {"rotate_log": {"path": "app.log", "keep": 2}},
    {"truncate_log": {"path": "app.log"}},
    {"compress_files": {"path": "old.*"}},
    {"delete_files": {"path": "*.tmp"}},
    {"kill": {"match": "sleep", "which": "all"}},
    {"set_limits": {"memory": "200MiB"}},
    {"set_env": {"A": "1"}},
    {"scale": {"replicas": 2}},
    {"recreate": {}},
    {"prune": {}},
    {"kill": {"match": ".*", "which": "heaviest", "signal": "TERM"}},
    {"restart": {}},
    {"scale": {"replicas": 1}},
)


class Decoys:
    """What lies and runs on the engine, as like to the target as it can be without being of the run."""

    def __init__(self, engine: DockerClient) -> None:
        labels = {RUN_LABEL: RUN_ID, "app": "gateway"}
        command = ["python", "-c", "import time; time.sleep(600)"]
        self.containers = [
            engine.containers.create(IMAGE, command, name=f"leakdrill-{RUN_ID}-{name}", labels=labels)
            for name in ("running", "stopped")
        ]
        self.containers[0].start()
        self.network = engine.networks.create(f"leakdrill-{RUN_ID}-decoy", labels=labels)
        self.volume = engine.volumes.create(f"leakdrill-{RUN_ID}-decoy", labels=labels)

    def state(self) -> list[object]:
        """All that a step could have changed."""
        for thing in (*self.containers, self.network, self.volume):
            thing.reload()
        return [
            [(one.attrs["State"], one.attrs["HostConfig"], one.attrs["Config"]) for one in self.containers],
            self.network.attrs,
            self.volume.attrs,
        ]

    def remove(self) -> None:
        for container in self.containers:
            container.remove(force=True)
        self.network.remove()
        self.volume.remove()


@pytest.fixture
def decoys(engine: DockerClient) -> Iterator[Decoys]:
    made = Decoys(engine)
    yield made
    made.remove()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", [DockerTarget, partial(ReplicatedTarget, DockerTarget)], ids=["one", "replicated"])
def test_decoys_stay_as_they_are_through_every_step_and_the_undo(kind: Any, tmp_path: Path, decoys: Decoys) -> None:
    form = ContainerForm(image=IMAGE, build=ROOT)
    limits = {"memory": "192MiB", "disk": "16MiB"}
    before = decoys.state()
    this = TargetBench(tmp_path, kind, run_id=RUN_ID, command=["unused"], container=form, limits=limits)
    done = set[str]()
    this.target.start()
    try:
        for action in STEPS:
            (key,) = action
            with contextlib.suppress(StepFailed):  # not every kind has every step; it must harm nobody all the same
                this.step(**action)
                done.add(key)
            assert decoys.state() == before, action
    finally:
        assert undo_all(this.journal) == []
        this.close()
    assert done >= {"http", "exec", "set_limits", "restart"}
    assert clean(this.folder / "journal.jsonl") == []
    assert decoys.state() == before
