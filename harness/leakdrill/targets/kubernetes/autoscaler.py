"""A HorizontalPodAutoscaler in the newest form that the cluster understands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.targets.kubernetes.api import NOT_FOUND, RUN_LABEL, ClusterRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.targets.kubernetes.api import Cluster

_BY_METRICS: Final = ("v2", "v2beta2")
_METRICS_API: Final = "/apis/metrics.k8s.io/v1beta1"


def has_metrics(cluster: Cluster) -> bool:
    """Whether the cluster has a metrics server, without which no autoscaler knows what to do."""
    return cluster.find(_METRICS_API) is not None


def api_version(cluster: Cluster) -> str:
    """The newest of the cluster's versions of `autoscaling` that can go by memory.

    Raises:
        EnvironmentProblem: when it has none.
    """
    try:
        known = {one["version"] for one in cluster.get("/apis/autoscaling")["versions"]}
    except ClusterRefused as e:
        if e.status != NOT_FOUND:
            raise
        known = set()
    newest = next((version for version in _BY_METRICS if version in known), None)
    if newest is None:
        raise EnvironmentProblem(
            f"the cluster knows {', '.join(sorted(known)) or 'no'} autoscaling; expected v2 or v2beta2"
        )
    return newest


def autoscaler(
    *, version: str, kind: str, name: str, run: str, least: int, most: int, shares: Mapping[str, float]
) -> dict[str, Any]:
    """The manifest for the workload `name` of `kind`; `shares` are of what each pod requests, by resource."""
    return {
        "apiVersion": f"autoscaling/{version}",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "labels": {RUN_LABEL: run}},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": name},
            "minReplicas": least,
            "maxReplicas": most,
            "metrics": [_metric(resource, share) for resource, share in shares.items()],
        },
    }


def _metric(resource: str, share: float) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": max(round(share * 100), 1)}
    return {"type": "Resource", "resource": {"name": resource, "target": target}}
