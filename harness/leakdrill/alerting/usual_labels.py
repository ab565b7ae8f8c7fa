"""Labels that differ between installations: of the usual values, the one that the rules ask for.

kube-prometheus names node_exporter's job `node-exporter`, the mixin itself `node`, and a machine without Kubernetes
often has a single filesystem, `/`. The rules of production know which it is there. Only well-known values are taken
over: a mistyped label must go on finding nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leakdrill.alerting.selectors import SelectedSeries

_NODE_JOBS: Final = (
    "node",
    "node_exporter",
    "nodeexporter",
    "node-exporters",
    "prometheus-node-exporter",
    "integrations/node_exporter",
    "integrations/unix",
    "kubernetes-service-endpoints",
)
_KUBELET_JOBS: Final = (
    "cadvisor",
    "kubernetes-cadvisor",
    "kubernetes-nodes-cadvisor",
    "integrations/kubernetes/cadvisor",
)
_STATE_JOBS: Final = ("integrations/kubernetes/kube-state-metrics", "kubernetes-service-endpoints")
_USUAL: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    "container_": {"job": _KUBELET_JOBS},
    "kubelet_volume_": {"job": ("integrations/kubernetes/kubelet", "kubernetes-nodes")},
    "kube_": {"job": _STATE_JOBS},
    "node_": {"job": _NODE_JOBS},
    "namedprocess_": {"job": ("process_exporter", "process")},
    "node_filesystem_": {"mountpoint": ("/", "/rootfs")},
}
"""By the beginning of the series' names: the labels, and their usual values besides ours."""


def as_rules_ask(family: str, labels: Mapping[str, str], asked: Sequence[SelectedSeries]) -> dict[str, str]:
    """Returns `labels` with the usual values that most of the rules' selectors ask for; ours where it is a draw.

    Args:
        family: how the names of its series begin.
        labels: that the family has by default.
        asked: the selectors of all rules; those that matter more may be there twice.
    """
    chosen = dict(labels)
    for prefix, usual in _USUAL.items():
        if not family.startswith(prefix):
            continue
        of_family = [one for one in asked if one.name.startswith(prefix)]
        for label in usual.keys() & labels.keys():
            values = (labels[label], *usual[label])
            wanted = {value: sum(one.allows(label, value) for one in of_family) for value in values}
            chosen[label] = max(wanted, key=wanted.__getitem__)
    return chosen
