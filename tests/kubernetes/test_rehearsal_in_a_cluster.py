"""A runbook rehearsed in a cluster: `kubectl exec` and plain commands mean the pod, `kubectl` its namespace alone."""

from __future__ import annotations

import pytest

from rehearsals import InsideTheTarget

pytestmark = pytest.mark.timeout(500)


@pytest.fixture(scope="module")
def rehearsal(cluster, tmp_path_factory):
    del cluster
    return TestInACluster.rehearsed(tmp_path_factory.mktemp("rehearsal"), "kubernetes")


class TestInACluster(InsideTheTarget):
    enter = ("kubectl exec -n shop deploy/inference-gateway --",)
    elsewhere = "kubectl exec -n shop deploy/redis -- cat /proc/1/status"
    outside = "kubectl get pods -n shop"
    shows = "inference-gateway"
