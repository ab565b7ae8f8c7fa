"""A real Kubernetes; without one these tests skip with the reason, and in CI they fail."""

from __future__ import annotations

import os

import psutil
import pytest

from harness.cluster.connection import RUN_LABEL, connect
from harness.errors import LeakdrillError

REQUIRED = "LEAKDRILL_REQUIRE_KUBERNETES"


@pytest.fixture(scope="session")
def cluster():
    """The cluster of KUBECONFIG."""
    try:
        found = connect()
    except LeakdrillError as e:
        if os.environ.get(REQUIRED):
            raise
        pytest.skip(str(e))
    yield found
    found.close()


@pytest.fixture(autouse=True)
def _leaves_nothing_in_the_cluster(cluster):
    """Counts what is there before and after: namespaces, pods, autoscalers, and processes and mounts of ours here."""
    before = lying_in(cluster)
    yield
    assert lying_in(cluster) - before == set()


def lying_in(cluster) -> set[str]:
    """Names of everything that a run could have made, in the cluster and on this machine."""
    found = {f"namespace {item['metadata']['name']}" for item in cluster.get("/api/v1/namespaces")["items"]}
    for path in ("/api/v1/pods", "/apis/apps/v1/deployments", "/apis/autoscaling/v1/horizontalpodautoscalers"):
        items = cluster.get(path, labelSelector=RUN_LABEL)["items"]
        found |= {f"{path} {item['metadata']['name']}" for item in items}
    found |= {f"process {p.pid} {p.info['name']}" for p in psutil.process_iter(["name", "cmdline"]) if _ours(p)}
    return found | {
        f"mount {m.mountpoint}" for m in psutil.disk_partitions(all=True) if "leakdrill-kube" in m.mountpoint
    }


def _ours(process) -> bool:
    line = " ".join(process.info["cmdline"] or [])
    return "harness" in line and "--on kubernetes" in line
