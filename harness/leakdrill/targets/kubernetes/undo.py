"""Undoes what a run changed in a cluster: its namespace, single objects, and a workload that existed before."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import LeakdrillError
from leakdrill.targets.kubernetes.api import CONFLICT, RUN_LABEL, ClusterRefused, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leakdrill.record.undo import UndoTable
    from leakdrill.targets.kubernetes.api import Cluster

GONE_TIMEOUT_S: Final = 90.0
"""How long the end of a namespace is waited for; the grace period of a pod that drills must be longer."""

_POLL_S: Final = 0.2
_TRIES: Final = 3


def _undo_namespace(data: Mapping[str, Any]) -> str | None:
    """Delete the run's namespace, and wait until it is gone with everything in it."""
    return _on_cluster(f"namespace {data['name']}", data, lambda cluster: _delete_namespace(cluster, data))


def _undo_object(data: Mapping[str, Any]) -> str | None:
    """Delete one object that carries the run's label."""
    return _on_cluster(f"object {data['path']}", data, lambda cluster: _delete_object(cluster, data))


def _undo_workload(data: Mapping[str, Any]) -> str | None:
    """Put a workload back as it was: its replicas and the template of its pods."""
    return _on_cluster(f"deployment {data['path']}", data, lambda cluster: _put_back(cluster, data))


def _on_cluster(what: str, data: Mapping[str, Any], do: Callable[[Cluster], str | None]) -> str | None:
    try:
        cluster = connect(data["context"], kubeconfig=data["kubeconfig"])
        with contextlib.closing(cluster):
            reason = do(cluster)
    except LeakdrillError as e:
        reason = e.message
    return None if reason is None else f"{what}: {reason}"


def _delete_namespace(cluster: Cluster, data: Mapping[str, Any]) -> str | None:
    path = f"/api/v1/namespaces/{data['name']}"
    manifest = cluster.find(path)
    if manifest is None:
        return None
    if _run_of(manifest) != data["run_id"]:
        return f"it does not carry the label {RUN_LABEL}={data['run_id']}, so no run made it"
    cluster.delete(path)
    deadline = time.monotonic() + GONE_TIMEOUT_S
    while cluster.find(path) is not None:
        # Nothing new is made in it any more; but it waits for each pod to end in its own time, unless all go at once.
        cluster.delete(f"{path}/pods", grace_s=0)
        if time.monotonic() > deadline:
            return f"is still being deleted after {GONE_TIMEOUT_S:.0f} s"
        time.sleep(_POLL_S)
    return None


def _delete_object(cluster: Cluster, data: Mapping[str, Any]) -> str | None:
    manifest = cluster.find(data["path"])
    if manifest is None:
        return None
    if _run_of(manifest) != data["run_id"]:
        return f"it does not carry the label {RUN_LABEL}={data['run_id']}, so no run made it"
    cluster.delete(data["path"])
    return None


def _put_back(cluster: Cluster, data: Mapping[str, Any]) -> str | None:
    """Another writer may come between reading and writing; then the server says so, and it is tried again."""
    for attempt in range(_TRIES):
        manifest = cluster.find(data["path"])
        if manifest is None or manifest["metadata"]["uid"] != data["uid"]:
            return None
        spec = {**manifest["spec"], "replicas": data["replicas"], "template": data["template"]}
        if spec == manifest["spec"]:
            return None
        try:
            cluster.replace(data["path"], {**manifest, "spec": spec})
        except ClusterRefused as e:
            if e.status != CONFLICT or attempt == _TRIES - 1:
                raise
    return None


def _run_of(manifest: Mapping[str, Any]) -> str | None:
    run: str | None = (manifest["metadata"].get("labels") or {}).get(RUN_LABEL)
    return run


UNDO: Final[UndoTable] = {"namespace": _undo_namespace, "object": _undo_object, "workload": _undo_workload}
