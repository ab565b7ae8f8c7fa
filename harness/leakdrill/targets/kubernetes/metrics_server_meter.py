"""What `kubectl top` shows: the usage of pods as a metrics server has it, which is what an autoscaler goes by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.record.events import MetricsServerPods

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.targets.kubernetes.api import Cluster

_SUFFIXES: Final = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40,
}  # fmt: skip
_QUANTITY: Final = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]*)")


class MetricsServerMeter:
    """Reads the pods of `selector` in `namespace`; the server itself measures every 15 to 60 s."""

    event = MetricsServerPods
    every = 50

    def __init__(self, cluster: Cluster, *, namespace: str, selector: str) -> None:
        self._cluster = cluster
        self._path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"
        self._selector = selector

    def read(self) -> dict[str, float] | None:
        """Working set in bytes and cores in use, summed, and how many pods that are; None before it has measured any.

        Raises:
            OSError: when the API server or the metrics server does not answer.
        """
        try:
            return parse_pod_metrics(self._cluster.get(self._path, labelSelector=self._selector))
        except EnvironmentProblem as e:
            raise OSError(e.message) from e


def parse_pod_metrics(listed: Mapping[str, Any]) -> dict[str, float] | None:
    """The sums over a list of PodMetrics; None for an empty one."""
    pods = listed.get("items") or []
    usages = [container["usage"] for pod in pods for container in pod.get("containers") or []]
    if not usages:
        return None
    return {
        "working_set_bytes": sum(parse_quantity(usage.get("memory", "0")) for usage in usages),
        "cpu_cores": sum(parse_quantity(usage.get("cpu", "0")) for usage in usages),
        "pods": float(len(pods)),
    }


def parse_quantity(text: str) -> float:
    """The number in a quantity as Kubernetes writes it: `250m`, `128Mi`, `1`.

    Raises:
        ValueError: when it is none.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] not in _SUFFIXES:
        raise ValueError(f'"{text}" is no quantity of Kubernetes')
    return float(match[1]) * _SUFFIXES[match[2]]
