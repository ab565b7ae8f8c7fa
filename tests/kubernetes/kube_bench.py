"""A target in a cluster with its record and its journal, as the tests hold it."""

from __future__ import annotations

from pathlib import Path

import httpx

from harness.history import read_history
from harness.journal import Journal
from harness.recorder import Recorder
from harness.scenario import ProcessTarget
from harness.scenario_steps import Step
from harness.steps.step import carry_out
from harness.targets.kubernetes import KubernetesTarget
from harness.wait import wait_for

ROOT = Path(__file__).parents[2]
RUN_ID = "kube-test-1"
TOKEN = "of this run"  # noqa: S105 - it opens a pod that lives for seconds
NAMESPACE = f"leakdrill-{RUN_ID}"
IMAGE = "leakdrill-samples"


class Bench:
    """A target with its record and its journal."""

    def __init__(self, folder: Path, *, run_id: str = RUN_ID, **changes) -> None:
        fields = {
            "name": "inference-gateway",
            "command": ["unused"],
            "container": {"image": IMAGE, "build": ROOT},
            "metrics": "/metrics",
            "ready": {"timeout": "60s"},
            **changes,
        }
        self.folder = folder
        self.recorder = Recorder(folder / "history.jsonl")
        self.journal = Journal(folder / "journal.jsonl")
        self.target = KubernetesTarget(
            ProcessTarget.model_validate(fields),
            scenario_dir=folder,
            run_dir=folder,
            run_id=run_id,
            recorder=self.recorder,
            journal=self.journal,
            token=TOKEN,
        )

    def events(self, **wanted):
        return list(read_history(self.folder / "history.jsonl").where(**wanted))

    def post(self, path, **body):
        return httpx.post(
            self.target.base_url + path, json=body, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
        )

    def step(self, **action):
        return carry_out(
            Step.model_validate({"name": "a step", "timeout": "20s", **action}), self.target, run_dir=self.folder
        )

    def close(self):
        self.target.stop()
        self.recorder.close()
        self.journal.close()


def remove_namespace(cluster, name: str) -> None:
    """Delete a namespace that a test made itself, its pods at once."""

    def gone() -> bool:
        cluster.delete(f"/api/v1/namespaces/{name}/pods", grace_s=0)
        return cluster.find(f"/api/v1/namespaces/{name}") is None

    cluster.delete(f"/api/v1/namespaces/{name}")
    wait_for(gone, what=f"the end of {name}", timeout_s=90)
