"""The Deployment that is made of an image: the manifest that a person would have written for the same service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from leakdrill.targets.kubernetes.api import RUN_LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leakdrill.scenario.kubernetes import KubernetesForm, Requests
    from leakdrill.scenario.target import Limits

SCENARIO_DIR: Final = "/scenario"
_MILLI: Final = 1000
_CPU_REQUEST: Final = 0.1
_PROBE_FAILURES: Final = 10
GPUS: Final = "nvidia.com/gpu"
"""The name under which NVIDIA's device plugin offers whole cards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the Deployment is made of.

    Attributes:
        name: of the Deployment and of its container.
        run: the run's id, as a label.
        form: what the scenario says of it.
        limits: enforced by the node.
        args: what the container runs; None for the image's own.
        env: its environment.
        ready_path: answers 2xx when it is ready.
        stop_timeout_s: between SIGTERM and SIGKILL.
        disk_on_node: a folder of the node for the disk; None for one that the node makes.
        scenario_on_node: the scenario's folder, where the node sees it.
        cards: how many cards the pod asks for; which ones is up to the node.
    """

    name: str
    run: str
    form: KubernetesForm
    limits: Limits
    args: Sequence[str] | None
    env: Mapping[str, str]
    ready_path: str
    stop_timeout_s: float
    disk_on_node: str | None
    scenario_on_node: str | None
    gpus: int = 0


def deployment(wanted: Wanted) -> dict[str, Any]:
    """The manifest of `wanted`."""
    labels = {RUN_LABEL: wanted.run, "app": wanted.name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": wanted.name, "labels": labels},
        "spec": {
            "replicas": wanted.form.replicas,
            "selector": {"matchLabels": labels},
            "strategy": {"rollingUpdate": _surge(wanted.gpus)},
            "template": {"metadata": {"labels": labels}, "spec": _pod(wanted)},
        },
    }


def _surge(gpus: int) -> dict[str, int]:
    """A new pod is there before an old one goes: a restart then costs no request that a real one would not cost.

    Where pods hold cards, an old one goes first: the new one would wait for its card for ever.
    """
    return {"maxSurge": 0, "maxUnavailable": 1} if gpus else {"maxSurge": 1, "maxUnavailable": 0}


def _pod(wanted: Wanted) -> dict[str, Any]:
    volumes, mounts = _volumes(wanted)
    return {
        "terminationGracePeriodSeconds": max(round(wanted.stop_timeout_s), 1),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "volumes": volumes,
        "containers": [
            {
                "name": wanted.name,
                "image": wanted.form.image,
                "imagePullPolicy": wanted.form.pull,
                **({"args": list(wanted.args)} if wanted.args is not None else {}),
                "env": env_list(wanted.env),
                "ports": [{"containerPort": wanted.form.port}],
                "resources": resources(
                    memory_bytes=wanted.limits.memory,
                    cpus=wanted.limits.cpus,
                    requests=wanted.form.requests,
                    gpus=wanted.gpus,
                ),
                "readinessProbe": {
                    "httpGet": {"path": wanted.ready_path, "port": wanted.form.port},
                    "periodSeconds": 1,
                    "timeoutSeconds": 2,
                    "failureThreshold": _PROBE_FAILURES,
                },
                "volumeMounts": mounts,
            }
        ],
    }


def _volumes(wanted: Wanted) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    size = wanted.limits.disk
    empty = {"emptyDir": {"sizeLimit": str(size)} if size else {}}
    on_node = {"hostPath": {"path": wanted.disk_on_node, "type": "Directory"}}
    volumes = [{"name": "disk", **(on_node if wanted.disk_on_node else empty)}]
    mounts: list[dict[str, Any]] = [{"name": "disk", "mountPath": wanted.form.disk}]
    if wanted.scenario_on_node:
        volumes.append({"name": "scenario", "hostPath": {"path": wanted.scenario_on_node, "type": "Directory"}})
        mounts.append({"name": "scenario", "mountPath": SCENARIO_DIR, "readOnly": True})
    return volumes, mounts


def env_list(env: Mapping[str, str]) -> list[dict[str, str]]:
    """`env` as a container has it."""
    return [{"name": name, "value": value} for name, value in env.items()]


def resources(
    *, memory_bytes: int | None, cpus: float | None, requests: Requests | None = None, gpus: int = 0
) -> dict[str, dict[str, str]]:
    """Limits as the node enforces them, and what the scheduler keeps free.

    Left out, as much memory is kept as the limit allows, for it cannot be shared; of CPU a tenth of a core, because a
    node that kept whole ones free would not hold a second pod of a rollout. Cards are limits only: what is kept of them
    is the same.
    """
    keep_bytes = requests.memory if requests and requests.memory is not None else memory_bytes
    keep_cpus = requests.cpus if requests and requests.cpus is not None else _CPU_REQUEST
    at_most = keep_cpus if cpus is None else min(keep_cpus, cpus)
    more = {GPUS: str(gpus)} if gpus else {}
    return {"limits": quantities(memory_bytes, cpus) | more, "requests": quantities(keep_bytes, at_most)}


def quantities(memory_bytes: int | None, cpus: float | None) -> dict[str, str]:
    """Bytes and cores as Kubernetes writes them; what is None is left out."""
    memory = {"memory": str(memory_bytes)} if memory_bytes is not None else {}
    return memory | ({"cpu": f"{max(round(cpus * _MILLI), 1)}m"} if cpus is not None else {})
