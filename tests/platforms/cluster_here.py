"""A real Kubernetes; without one tests skip with the reason, and in CI they fail."""

from __future__ import annotations

import os

import pytest

from leakdrill.errors import LeakdrillError
from leakdrill.targets.kubernetes.api import RUN_LABEL, Cluster, connect

REQUIRED = "LEAKDRILL_REQUIRE_KUBERNETES"


def reached_cluster() -> Cluster:
    """The cluster of KUBECONFIG."""
    try:
        return connect()
    except LeakdrillError as e:
        if os.environ.get(REQUIRED):
            raise
        pytest.skip(str(e))


def lying_in(cluster: Cluster) -> set[str]:
    """Names of everything in the cluster that a run could have made."""
    found = {f"namespace {item['metadata']['name']}" for item in cluster.get("/api/v1/namespaces")["items"]}
    kinds = ("deployments", "statefulsets", "daemonsets")
    paths = [f"/apis/apps/v1/{kind}" for kind in kinds]
    for path in (
        "/api/v1/pods",
        "/api/v1/persistentvolumeclaims",
        *paths,
        "/apis/autoscaling/v1/horizontalpodautoscalers",
    ):
        items = cluster.get(path, labelSelector=RUN_LABEL)["items"]
        found |= {f"{path} {item['metadata']['name']}" for item in items}
    return found
