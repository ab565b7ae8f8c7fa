"""A target in a cluster with its record and its journal, as the tests hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.targets.kubernetes.target import KubernetesTarget
from leakdrill.wait import wait_for
from target_bench import ROOT, TOKEN, TargetBench

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["IMAGE", "NAMESPACE", "ROOT", "RUN_ID", "TOKEN", "Bench", "remove_namespace"]

RUN_ID = "kube-test-1"
NAMESPACE = f"leakdrill-{RUN_ID}"
IMAGE = "leakdrill-samples"


class Bench(TargetBench):
    """A workload with its record and its journal."""

    def __init__(self, folder: Path, *, run_id: str = RUN_ID, **changes) -> None:
        form = {"command": ["unused"], "container": {"image": IMAGE, "build": ROOT}, "ready": {"timeout": "60s"}}
        super().__init__(folder, KubernetesTarget, run_id=run_id, **{**form, **changes})


def remove_namespace(cluster, name: str) -> None:
    """Delete a namespace that a test made itself, its pods at once."""

    def gone() -> bool:
        cluster.delete(f"/api/v1/namespaces/{name}/pods", grace_s=0)
        return cluster.find(f"/api/v1/namespaces/{name}") is None

    cluster.delete(f"/api/v1/namespaces/{name}")
    wait_for(gone, what=f"the end of {name}", timeout_s=90)
