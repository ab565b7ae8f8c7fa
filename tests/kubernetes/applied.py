"""Manifests of `deploy/` in the cluster for as long as a test lasts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leakdrill.targets.kubernetes.api import Cluster

HOME = "leakdrill"
"""The namespace of the account."""

COLLECTIONS = {
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": f"/api/v1/namespaces/{HOME}/serviceaccounts",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "ConfigMap": f"/api/v1/namespaces/{HOME}/configmaps",
    "Pod": f"/api/v1/namespaces/{HOME}/pods",
    "Job": f"/apis/batch/v1/namespaces/{HOME}/jobs",
    "PersistentVolume": "/api/v1/persistentvolumes",
    "PersistentVolumeClaim": f"/api/v1/namespaces/{HOME}/persistentvolumeclaims",
}


@contextmanager
def applied(cluster: Cluster, manifests: Sequence[dict[str, Any]]) -> Iterator[None]:
    """Make `manifests` in their order; delete them in reverse, and wait until they are gone."""
    made: list[str] = []
    try:
        for manifest in manifests:
            collection = COLLECTIONS[manifest["kind"]]
            cluster.create(collection, manifest)
            made.insert(0, f"{collection}/{manifest['metadata']['name']}")
        yield
    finally:
        for path in made:
            # Nothing that matters ends with a pod of its own; a kubelet may take a minute to say that one is gone.
            cluster.delete(path, grace_s=0 if path.startswith(COLLECTIONS["Pod"]) else None)
        for path in made:
            wait_for(lambda path=path: cluster.find(path) is None, what=f"the end of {path}", timeout_s=150)
