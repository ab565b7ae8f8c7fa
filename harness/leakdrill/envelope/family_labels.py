"""The labels that a made series has, by the beginning of its name: those of kube-prometheus' jobs.

A replica's pod, its node and the container's identity in the runtime follow from the replica and its life, so that what
changes at a restart in production changes here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE: Final = "app"
_NAMESPACE: Final = "default"
_OF_POD: Final = "kube_pod_"
_OF_CONTAINER: Final = ("kube_pod_container_",)

VARIANTS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "node_cpu_seconds_total": ("mode", ("idle", "user")),
    "kube_pod_container_resource_limits": ("resource", ("memory", "cpu")),
    "kube_pod_container_resource_requests": ("resource", ("memory", "cpu")),
    "kube_pod_status_phase": ("phase", ("Running",)),
    "kube_pod_container_status_last_terminated_reason": ("reason", ("OOMKilled",)),
    "kube_pod_container_status_waiting_reason": ("reason", ("CrashLoopBackOff",)),
}
"""Series of one name that differ by a label: the values of those that are made."""


def usual_labels(name: str, replica: str, life: int) -> dict[str, str]:
    """Returns the labels of the series `name` for one life of a replica.

    Args:
        name: of the series.
        replica: its word, such as `app-0`, or `app-0-1` for its next generation.
        life: how often its container was started again.
    """
    node = f"node-{replica.split('-')[1]}"
    identity = {"namespace": _NAMESPACE, "pod": replica}
    if name.startswith("container_"):
        runtime = {"image": f"{SERVICE}:latest", "name": f"{replica}-{life}", "id": f"/kubepods/{replica}/{life}"}
        own = {"job": "kubelet", "metrics_path": "/metrics/cadvisor", "instance": node, "node": node}
        cpu = {"cpu": "total"} if name.startswith("container_cpu_usage") else {}
        return {**own, **identity, "container": SERVICE, **runtime, **cpu}
    if name.startswith("kube_"):
        return _of_state(name, identity, node)
    if name.startswith("kubelet_volume_"):
        claim = {"namespace": _NAMESPACE, "persistentvolumeclaim": f"data-{replica}"}
        return {"job": "kubelet", "metrics_path": "/metrics", "instance": node, "node": node, **claim}
    if name.startswith(("node_", "machine_")):
        return _of_node(name, node)
    if name.startswith("DCGM_"):
        card = {"gpu": "0", "UUID": f"GPU-{node}", "device": "nvidia0", "modelName": "any", "Hostname": node}
        return {"job": "nvidia-dcgm-exporter", "instance": node, **card}
    more = {"area": "heap"} if name.startswith("jvm_memory") else {}
    return {"job": SERVICE, "instance": replica, **identity, "container": SERVICE, **more}


def _of_state(name: str, identity: Mapping[str, str], node: str) -> dict[str, str]:
    job = {"job": "kube-state-metrics", "instance": "kube-state-metrics"}
    if name.startswith("kube_node"):
        return {**job, "node": node}
    if name.startswith("kube_namespace"):
        return {**job, "namespace": _NAMESPACE}
    own = {"container": SERVICE} if name.startswith(_OF_CONTAINER) else {}
    limits = {"node": node, "unit": "byte"} if "_resource_" in name else {}
    of_pod = {"node": node} if name == "kube_pod_info" else {}
    return {**job, **identity, **own, **limits, **of_pod}


def _of_node(name: str, node: str) -> dict[str, str]:
    labels = {"job": "node-exporter", "instance": node}
    if name.startswith("node_filesystem_"):
        return {**labels, "device": "/dev/sda1", "fstype": "ext4", "mountpoint": "/"}
    return {**labels, "cpu": "0"} if name == "node_cpu_seconds_total" else labels
