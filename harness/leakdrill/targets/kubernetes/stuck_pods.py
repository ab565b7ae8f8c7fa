"""Pods of a StatefulSet that wait for ever: once its template is put back, those that could not start must go.

It replaces its pods in turn and waits for each to serve, also for one that never will.
Source: the page on StatefulSets in Kubernetes' documentation, "Forced rollback".
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from leakdrill.targets.kubernetes.pod import parse_pod
from leakdrill.targets.kubernetes.workload import selector_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.targets.kubernetes.api import Cluster

_REVISION: Final = "controller-revision-hash"
_SEEN_WITHIN_S: Final = 5.0
_POLL_S: Final = 0.1


def delete_stuck_pods(cluster: Cluster, path: str, put_back: Mapping[str, Any]) -> None:
    """Delete the pods of the StatefulSet at `path` that do not serve and are not as the template now wants them.

    Args:
        cluster: where it is.
        path: of it; its template was put back just now.
        put_back: the object as the API server had it then.

    Raises:
        EnvironmentProblem: when the API server refuses or does not answer.
    """
    meta, spec = put_back["metadata"], put_back["spec"]
    pods = f"/api/v1/namespaces/{meta['namespace']}/pods"
    listed = cluster.get(pods, labelSelector=selector_text(spec["selector"]))["items"]
    waiting = [one for one in listed if is_stuck(one, owner=meta["uid"])]
    if not waiting:
        return
    wanted = _wanted_revision(cluster, path, int(meta.get("generation", 0)))
    for one in waiting:
        if wanted is not None and (one["metadata"].get("labels") or {}).get(_REVISION) != wanted:
            cluster.delete(f"{pods}/{one['metadata']['name']}", uid=one["metadata"]["uid"])


def is_stuck(pod: Mapping[str, Any], *, owner: str) -> bool:
    """Whether `pod` belongs to `owner`, is staying, and does not serve."""
    owners = [one.get("uid") for one in pod["metadata"].get("ownerReferences") or []]
    state = parse_pod(pod)
    return owner in owners and not (state.ready or state.leaving)


def _wanted_revision(cluster: Cluster, path: str, generation: int) -> str | None:
    """The revision that the pods are to have, once the controller has seen the change; None when it does not."""
    deadline = time.monotonic() + _SEEN_WITHIN_S
    while time.monotonic() < deadline:
        status = cluster.get(path).get("status") or {}
        if int(status.get("observedGeneration", 0)) >= generation:
            return status.get("updateRevision")
        time.sleep(_POLL_S)
    return None
