"""The meters of a workload: what the kubelet says of its pods, and what shows of them on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.meters.filesystem import FilesystemMeter
from leakdrill.meters.of_processes import process_meters
from leakdrill.meters.pods import PodsMeter
from leakdrill.meters.replica_requests import ReplicaRequests
from leakdrill.meters.service import ServiceMeter
from leakdrill.targets.kubernetes.autoscaler import has_metrics
from leakdrill.targets.kubernetes.kubelet_meter import KubeletMeter
from leakdrill.targets.kubernetes.metrics_server_meter import MetricsServerMeter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.meters.meter import Meter
    from leakdrill.targets.kubernetes.deployed import DeployedWorkload
    from leakdrill.targets.kubernetes.processes import PodProcesses
    from leakdrill.targets.kubernetes.readings import PodReadings


def workload_meters(
    deployed: DeployedWorkload, processes: PodProcesses, readings: PodReadings, *, metrics_path: str | None
) -> Sequence[Meter]:
    """What can be read of `deployed`; `metrics_path` is where the service shows its own metrics, if it does."""
    follower, place = deployed.follower, deployed.place
    kubelet = KubeletMeter(
        deployed.cluster,
        namespace=place.namespace,
        pods=lambda: follower.watcher.pods,
        container=follower.container,
        stands_in=not place.local,
        tell=readings.note,
    )
    meters: list[Meter] = [kubelet]
    if place.local:
        pods = PodsMeter(processes.cgroups, report=readings.note)
        meters += [*process_meters(processes.pids, lambda: processes.cgroups().values()), pods]
    selector = follower.workload.pods_query().get("labelSelector")
    if selector is not None and has_metrics(deployed.cluster):
        meters.append(MetricsServerMeter(deployed.cluster, namespace=place.namespace, selector=selector))
    if place.disk:
        meters.append(FilesystemMeter(place.disk))
    if metrics_path:
        meters.append(ServiceMeter(deployed.base_url + metrics_path, access=deployed.access))
        meters.append(ReplicaRequests(follower.replica_urls, metrics_path, access=deployed.access))
    return meters
