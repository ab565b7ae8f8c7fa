"""The labels that each family of series has in production: those of kube-prometheus' jobs, unless a scenario says more.

One set would not do: rules select a container's series by `job="kubelet"` and a disk's by `job="node-exporter"`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.scenario.target import ProcessTarget

CADVISOR: Final = {"job": "kubelet", "metrics_path": "/metrics/cadvisor"}
NODE: Final = {"job": "node-exporter"}
STATE: Final = {"job": "kube-state-metrics"}
_IDENTITY: Final = frozenset({"namespace", "pod", "node", "container"})
_NODE_NAME: Final = "leakdrill"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreLabels:
    """Labels of the families beside the container's; a family whose labels are None is not published.

    Attributes:
        declared: of what kube-state-metrics says of the container: its limits.
        disk: of node_exporter's filesystems, over device, type and mount point.
        host: of node_exporter's memory.
        process: of the service's own process, as a client library publishes it.
        card: of the pair of series of a GPU that the documents use; None for those of the container.
    """

    declared: Mapping[str, str] | None = None
    disk: Mapping[str, str] = field(default_factory=dict)
    host: Mapping[str, str] | None = None
    process: Mapping[str, str] | None = None
    card: Mapping[str, str] | None = None


def container_labels(target: ProcessTarget, own: Mapping[str, str]) -> dict[str, str]:
    """Returns the labels of the container's series.

    Args:
        target: its `labels` are among them, and its `series_labels.container`.
        own: those of the target as it runs: `container`, and in a cluster `namespace`.
    """
    name = target.name
    pod = {"namespace": "default", "pod": f"{name}-0", "node": _NODE_NAME}
    runtime = {"id": f"/kubepods/{name}-0/{name}", "name": name, "image": f"{name}:latest"}
    return {**CADVISOR, "instance": _NODE_NAME, **pod, **runtime, **own, **target.series_labels.container}


def more_labels(target: ProcessTarget, own: Mapping[str, str]) -> MoreLabels:
    """Returns the labels of the other families; `target` and `own` as for `container_labels`.

    The process is published where the service has no metrics of its own, the host where the container has a limit.
    """
    given, container = target.series_labels, container_labels(target, own)
    identity = {key: value for key, value in container.items() if key in _IDENTITY}
    at_node = {**NODE, "instance": _NODE_NAME}
    return MoreLabels(
        declared={**STATE, **identity},
        disk={**at_node, **given.disk},
        host={**at_node, **given.host} if target.limits.memory is not None else None,
        process=None if target.metrics else {"job": target.name, "instance": target.name, **given.process},
        card={**own, **given.card},
    )
