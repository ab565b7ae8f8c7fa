"""The labels that each family of series has in production: those of kube-prometheus' jobs, unless a scenario says more.

One set would not do: rules select a container's series by `job="kubelet"` and a disk's by `job="node-exporter"`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from leakdrill.alerting.usual_labels import as_rules_ask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leakdrill.alerting.selectors import SelectedSeries
    from leakdrill.scenario.target import ProcessTarget

CADVISOR: Final = {"job": "kubelet", "metrics_path": "/metrics/cadvisor"}
NODE: Final = {"job": "node-exporter"}
GROUP: Final = {"job": "process-exporter"}
STATE: Final = {"job": "kube-state-metrics"}
_IDENTITY: Final = frozenset({"namespace", "pod", "node", "container"})
_VOLUME: Final = {"job": "kubelet", "metrics_path": "/metrics"}
NODE_NAME: Final = "leakdrill"
_DEVICE: Final = "/dev/leakdrill"
_FSTYPE: Final = "ext4"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreLabels:
    """Labels of the families beside the container's; a family whose labels are None is not published.

    Attributes:
        declared: of what kube-state-metrics says of the container: its limits, and that it runs.
        volume: of the kubelet's volumes: the disk, as it would be mounted in a pod.
        disk: of node_exporter's filesystems, over device, type and mount point.
        host: of node_exporter's memory.
        machine: of the rest of node_exporter's.
        of_node: of what the kubelet says of its machine.
        process: of the service's own process, as a client library publishes it.
        group: of process-exporter's group of its processes.
        card: of the pair of series of a GPU that the documents use; None for those of the container.
    """

    declared: Mapping[str, str] | None = None
    volume: Mapping[str, str] | None = None
    disk: Mapping[str, str] = field(default_factory=dict)
    host: Mapping[str, str] | None = None
    machine: Mapping[str, str] | None = None
    of_node: Mapping[str, str] | None = None
    process: Mapping[str, str] | None = None
    group: Mapping[str, str] | None = None
    card: Mapping[str, str] | None = None


def container_labels(
    target: ProcessTarget, own: Mapping[str, str], asked: Sequence[SelectedSeries] = ()
) -> dict[str, str]:
    """Returns the labels of the container's series.

    Args:
        target: its `labels` are among them, and its `series_labels.container`.
        own: those of the target as it runs: `container`, and in a cluster `namespace`.
        asked: what the rules select.
    """
    name = target.name
    pod = {"namespace": "default", "pod": f"{name}-0", "node": NODE_NAME}
    runtime = {"id": f"/kubepods/{name}-0/{name}", "name": name, "image": f"{name}:latest"}
    usual = as_rules_ask("container_", CADVISOR, asked)
    return {**usual, "instance": NODE_NAME, **pod, **runtime, **own, **target.series_labels.container}


def more_labels(target: ProcessTarget, own: Mapping[str, str], asked: Sequence[SelectedSeries] = ()) -> MoreLabels:
    """Returns the labels of the other families; the arguments are those of `container_labels`.

    The process is published where the service has no metrics of its own, the host where the container has a limit.
    """
    given, container = target.series_labels, container_labels(target, own, asked)
    identity = {key: value for key, value in container.items() if key in _IDENTITY}
    at_node = {**NODE, "instance": NODE_NAME}
    disk = {**at_node, "device": _DEVICE, "fstype": _FSTYPE, "mountpoint": f"/var/lib/{target.name}"}
    volume = {**_VOLUME, "instance": NODE_NAME, "persistentvolumeclaim": target.name}
    of_pod = {key: value for key, value in identity.items() if key in ("namespace", "node")}
    machine = {**as_rules_ask("node_", at_node, asked), **given.host}
    group = {**as_rules_ask("namedprocess_", GROUP, asked), "instance": NODE_NAME, "groupname": target.name}
    return MoreLabels(
        declared={**as_rules_ask("kube_", STATE, asked), **identity},
        volume={**as_rules_ask("kubelet_volume_", volume, asked), **of_pod},
        disk={**as_rules_ask("node_filesystem_", disk, asked), **given.disk},
        host=machine if target.limits.memory is not None else None,
        machine=machine,
        of_node={key: container[key] for key in ("job", "metrics_path", "instance", "node")},
        group={**group, **given.process},
        process=None if target.metrics else {"job": target.name, "instance": target.name, **given.process},
        card={**own, **given.card},
    )
