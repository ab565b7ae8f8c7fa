"""What the kubelet says of pods: its summary, and its cAdvisor for limits and throttling, through the API server.

The kubelet measures a container every 10 to 15 s, however often it is asked. Where the control groups can be read
directly, these readings stand beside them as `kubelet summary`; where not, in their place as `cgroup resources`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prometheus_client.parser import text_string_to_metric_families

from leakdrill.errors import EnvironmentProblem
from leakdrill.meters.pods import summed
from leakdrill.record.events import CgroupResources, KubeletSummary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from leakdrill.record.event_class import Reading
    from leakdrill.targets.kubernetes.api import Cluster
    from leakdrill.targets.kubernetes.pod import Pod

_NS: Final = 1e-9
_FIELDS: Final = {
    "container_memory_cache": "cache_bytes",
    "container_spec_memory_limit_bytes": "limit_bytes",
    "container_cpu_cfs_periods_total": "periods",
    "container_cpu_cfs_throttled_periods_total": "throttled_periods",
    "container_cpu_cfs_throttled_seconds_total": "throttled_seconds",
}


class KubeletMeter:
    """Reads the kubelets of the nodes on which the pods run.

    Args:
        cluster: whose API server passes the question on.
        namespace: of the pods.
        pods: those that are there now.
        container: which of their containers counts.
        stands_in: whether no control group can be read.
        tell: gets the numbers of each pod then.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        namespace: str,
        pods: Callable[[], Sequence[Pod]],
        container: str,
        stands_in: bool,
        tell: Callable[[str, dict[str, float]], None],
    ) -> None:
        self._tell = tell if stands_in else None
        self.event: type[Reading] = CgroupResources if stands_in else KubeletSummary
        self.every = 10 if stands_in else 50
        self._cluster = cluster
        self._namespace = namespace
        self._pods = pods
        self._container = container

    def read(self) -> dict[str, float] | None:
        """Bytes, seconds and counts, summed over the pods; None while none runs.

        Raises:
            OSError: when the API server or a kubelet does not answer.
        """
        running = [pod for pod in self._pods() if pod.container_id and not pod.leaving]
        uids = {pod.name: pod.uid for pod in running}
        rows: dict[str, dict[str, float]] = {}
        for node in sorted({pod.node for pod in running if pod.node}):
            try:
                summary = self._cluster.get(f"/api/v1/nodes/{node}/proxy/stats/summary")
                page = self._cluster.text(f"/api/v1/nodes/{node}/proxy/metrics/cadvisor")
            except EnvironmentProblem as e:
                raise OSError(e.message) from e
            by_pod = parse_summary(summary, namespace=self._namespace, pods=uids, container=self._container)
            more = parse_cadvisor(page, namespace=self._namespace, pods=uids, container=self._container)
            rows |= {pod: {**more.get(pod, {}), **values} for pod, values in by_pod.items()}
        if self._tell:
            for pod, values in rows.items():
                self._tell(pod, dict(values))
        return summed(list(rows.values()))


def parse_summary(
    summary: Mapping[str, Any], *, namespace: str, pods: Mapping[str, str], container: str
) -> dict[str, dict[str, float]]:
    """A kubelet's `stats/summary` by our names, for each of `pods` that it has measured.

    `pods` are their names with their UIDs: for a while the kubelet tells of one that is gone, and another may have its
    name by then.
    """
    by_pod = {}
    for pod in summary.get("pods") or []:
        ref = pod["podRef"]
        if ref["namespace"] == namespace and ref.get("uid", "") == pods.get(ref["name"]):
            mine = [c for c in pod.get("containers") or [] if c["name"] == container]
            if mine and (values := _container_values(mine[0])):
                by_pod[ref["name"]] = values
    return by_pod


def _container_values(stats: Mapping[str, Any]) -> dict[str, float]:
    memory, cpu = stats.get("memory") or {}, stats.get("cpu") or {}
    values = {
        ours: float(memory[theirs])
        for ours, theirs in (
            ("usage_bytes", "usageBytes"),
            ("working_set_bytes", "workingSetBytes"),
            ("anon_bytes", "rssBytes"),
        )
        if theirs in memory
    }
    if "usageCoreNanoSeconds" in cpu:
        values["cpu_seconds"] = cpu["usageCoreNanoSeconds"] * _NS
    return values


def parse_cadvisor(page: str, *, namespace: str, pods: Iterable[str], container: str) -> dict[str, dict[str, float]]:
    """What the summary leaves out, from the kubelet's `metrics/cadvisor`, for each of `pods`."""
    wanted, by_pod = set(pods), dict[str, dict[str, float]]()
    mark = f'namespace="{namespace}"'
    # The page describes every container of the node; parsing it all would cost more than everything else here.
    lines = [line for line in page.splitlines() if mark in line and line.partition("{")[0] in _FIELDS]
    for family in text_string_to_metric_families("\n".join(lines) + "\n"):
        for sample in family.samples:
            ours, labels = _FIELDS.get(sample.name), sample.labels
            if ours and labels.get("container") == container and labels.get("pod") in wanted:
                by_pod.setdefault(labels["pod"], {})[ours] = float(sample.value)
    return by_pod
