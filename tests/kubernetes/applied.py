"""Manifests of `deploy/` in the cluster for as long as a test lasts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.cluster.connection import Cluster

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
    paths = [(COLLECTIONS[m["kind"]], m["metadata"]["name"]) for m in manifests]
    try:
        for (collection, _), manifest in zip(paths, manifests, strict=True):
            cluster.create(collection, manifest)
        yield
    finally:
        for collection, name in reversed(paths):
            cluster.delete(f"{collection}/{name}")
        for collection, name in reversed(paths):
            place = f"{collection}/{name}"
            wait_for(lambda place=place: cluster.find(place) is None, what=f"the end of {place}", timeout_s=150)
