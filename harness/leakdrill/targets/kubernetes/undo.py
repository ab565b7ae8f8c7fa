"""Undoes what a run changed in a cluster: its namespace, single objects, and a workload that existed before.

What was made is deleted only where it carries the mark of the run as a label. A workload is put back only where it
carries the mark as an annotation, and only what is still as the drill set it: others' changes stay.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import LeakdrillError
from leakdrill.record.journal_header import MARK_LABEL
from leakdrill.targets.base.leak_request import kept_request
from leakdrill.targets.kubernetes.api import CONFLICT, IN_CLUSTER, RUN_LABEL, ClusterRefused, connect
from leakdrill.targets.kubernetes.pod_leaks import switch_off_in_pod
from leakdrill.targets.kubernetes.stuck_pods import delete_stuck_pods
from leakdrill.targets.kubernetes.three_way import without_change
from leakdrill.targets.kubernetes.workload import state_of
from leakdrill.targets.kubernetes.workload_kind import STATEFUL_SET, kind_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leakdrill.record.journal_header import Header
    from leakdrill.record.undo import UndoTable
    from leakdrill.targets.kubernetes.api import Cluster

GONE_TIMEOUT_S: Final = 90.0
"""How long the end of a namespace is waited for; the grace period of a pod that drills must be longer."""

_POLL_S: Final = 0.2
_TRIES: Final = 3
_NAME: Final = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?"
_NAMESPACE: Final = re.compile(_NAME)
_OBJECT: Final = re.compile(
    rf"/(api/v1|apis/autoscaling/v\w+)/namespaces/{_NAME}/(pods|configmaps|horizontalpodautoscalers|persistentvolumeclaims)/{_NAME}"
)
_POD: Final = re.compile(rf"/api/v1/namespaces/{_NAME}/pods/{_NAME}")
_WORKLOAD: Final = re.compile(rf"/apis/apps/v1/namespaces/{_NAME}/(deployments|statefulsets|daemonsets)/{_NAME}")


def _undo_namespace(data: Mapping[str, Any], header: Header) -> str | None:
    """Delete the namespace of the run, and wait until it is gone with everything in it."""
    name = _checked(data["name"], _NAMESPACE)
    return _on_cluster(f"namespace {name}", data, lambda cluster: _delete_namespace(cluster, data, header))


def _undo_object(data: Mapping[str, Any], header: Header) -> str | None:
    """Delete one object that carries the mark of the run."""
    path = _checked(data["path"], _OBJECT)
    return _on_cluster(f"object {path}", data, lambda cluster: _delete_object(cluster, data, header))


def _undo_workload(data: Mapping[str, Any], header: Header) -> str | None:
    """Put a workload back as it was: the template of its pods and, where it has one, their number."""
    path = _checked(data["path"], _WORKLOAD)
    return _on_cluster(f"{kind_at(path).words[0]} {path}", data, lambda cluster: _put_back(cluster, data, header))


def _checked(value: Any, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ValueError("its place in the cluster is none where a run makes or changes anything")
    return value


def _undo_leak(data: Mapping[str, Any], header: Header) -> str | None:  # noqa: ARG001 - a pod has no place for a mark
    """None when the leak is off, or the pod or its container is another by now."""
    path = _checked(data["path"], _POD)

    def act(cluster: Cluster) -> str | None:
        off, access = kept_request(data, "http://")
        return switch_off_in_pod(cluster, data, off, access)

    return _on_cluster(f"pod {path}: the leak {data['name']} could not be switched off", data, act)


def _on_cluster(what: str, data: Mapping[str, Any], do: Callable[[Cluster], str | None]) -> str | None:
    try:
        context, kubeconfig = _context(data)
        cluster = connect(context, kubeconfig=kubeconfig)
        with contextlib.closing(cluster):
            reason = do(cluster)
    except LeakdrillError as e:
        reason = e.message
    return None if reason is None else f"{what}: {reason}"


def _context(data: Mapping[str, Any]) -> tuple[str, str | None]:
    """The context and the files that the run had, and never whatever is the default by now.

    A kubeconfig may name programs that are run; those in somebody else's file are not.
    """
    context, kubeconfig = data["context"], data["kubeconfig"]
    if context == IN_CLUSTER and kubeconfig is None:
        return context, None
    if not (isinstance(context, str) and context and isinstance(kubeconfig, str) and kubeconfig):
        raise ValueError("context, kubeconfig: expected texts")
    for file in kubeconfig.split(os.pathsep):
        with contextlib.suppress(FileNotFoundError):
            state = Path(file).stat()
            if file and (state.st_uid not in (0, os.geteuid()) or state.st_mode & 0o002):
                raise ValueError(f"the kubeconfig {file} belongs to somebody else, or everybody may write to it")
    return context, kubeconfig


def _delete_namespace(cluster: Cluster, data: Mapping[str, Any], header: Header) -> str | None:
    path = f"/api/v1/namespaces/{data['name']}"
    manifest = cluster.find(path)
    if manifest is None:
        return None
    if not _marked(manifest, "labels", header):
        return _not_marked("label", header)
    cluster.delete(path)
    deadline = time.monotonic() + GONE_TIMEOUT_S
    while cluster.find(path) is not None:
        # Nothing new is made in it any more; but it waits for each pod to end in its own time, unless all go at once.
        cluster.delete(f"{path}/pods", grace_s=0)
        if time.monotonic() > deadline:
            return f"is still being deleted after {GONE_TIMEOUT_S:.0f} s"
        time.sleep(_POLL_S)
    return None


def _delete_object(cluster: Cluster, data: Mapping[str, Any], header: Header) -> str | None:
    manifest = cluster.find(data["path"])
    if manifest is None:
        return None
    if not _marked(manifest, "labels", header):
        return _not_marked("label", header)
    cluster.delete(data["path"])
    return None


def _put_back(cluster: Cluster, data: Mapping[str, Any], header: Header) -> str | None:
    """Another writer may come between reading and writing; then the server says so, and it is tried again."""
    path = data["path"]
    before = {part: data[part] for part in kind_at(path).state}
    for attempt in range(_TRIES):
        manifest = cluster.find(path)
        if manifest is None or manifest["metadata"]["uid"] != data["uid"]:
            return None
        marked = _marked(manifest, "annotations", header)
        if not marked:
            return (
                None
                if state_of(manifest, path) == before
                else f"{_not_marked('annotation', header)}; it was left as it is"
            )
        others: list[str] = []
        restored = _restored(manifest, before, data, others)
        try:
            if restored != manifest:
                put_back = cluster.replace(path, restored)
                if kind_at(path) is STATEFUL_SET and restored["spec"]["template"] != manifest["spec"]["template"]:
                    delete_stuck_pods(cluster, path, put_back)
        except ClusterRefused as e:
            if e.status != CONFLICT or attempt == _TRIES - 1:
                raise
            continue
        return f"somebody else changed it since: {'; '.join(others)}; that was left" if others else None
    return None


def _restored(
    manifest: Mapping[str, Any], before: dict[str, Any], data: Mapping[str, Any], others: list[str]
) -> dict[str, Any]:
    """The object without our changes, and without our annotations where all of them could be taken back."""
    now = state_of(manifest, data["path"])
    if data.get("elastic") and "replicas" in before:
        now["replicas"] = before["replicas"]  # the autoscaler of the run chose the number that it is
    state = without_change(before, data["sets"], now, others=others)
    meta = dict(manifest["metadata"])
    if not others:
        meta["annotations"] = {k: v for k, v in meta["annotations"].items() if k not in (RUN_LABEL, MARK_LABEL)}
    return {**manifest, "metadata": meta, "spec": {**manifest["spec"], **state}}


def _marked(manifest: Mapping[str, Any], where: str, header: Header) -> bool:
    return (manifest["metadata"].get(where) or {}).get(MARK_LABEL) == header.mark


def _not_marked(what: str, header: Header) -> str:
    return f"it does not carry the {what} {MARK_LABEL}={header.mark}, so this run did not make or change it"


UNDO: Final[UndoTable] = {
    "namespace": _undo_namespace,
    "object": _undo_object,
    "workload": _undo_workload,
    "pod leak": _undo_leak,
}
