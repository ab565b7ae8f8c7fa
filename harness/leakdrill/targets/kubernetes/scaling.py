"""The number of a workload's pods: more or fewer, an autoscaler that chooses, pods deleted and replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.record.events import TargetReplicas, TargetRestart
from leakdrill.targets.kubernetes.autoscaler import api_version, autoscaler, has_metrics
from leakdrill.targets.kubernetes.claims import make_claims
from leakdrill.targets.kubernetes.pod import chosen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.targets.kubernetes.deployed import DeployedWorkload
    from leakdrill.targets.kubernetes.readings import PodReadings


class PodScaling:
    """Changes how many pods of `deployed` there are.

    Args:
        deployed: the workload; what is changed here was asked for.
        readings: of each pod, by which the heaviest is chosen.
    """

    def __init__(self, deployed: DeployedWorkload, *, readings: PodReadings) -> None:
        self._deployed = deployed
        self._readings = readings

    def scale(self, replicas: int) -> None:
        """Run `replicas` pods, and return when they are ready.

        Raises:
            EnvironmentProblem: when the API server refuses.
            TargetNotReady: when they do not come up.
        """
        follower, place = self._deployed.follower, self._deployed.place
        with follower.expecting_changes():
            if place.existing:
                make_claims(self._deployed.cluster, place, follower.workload.get(), replicas)
            follower.workload.scale(replicas)
            self._deployed.roll_out()
        self._deployed.recorder.record(TargetReplicas(replicas=float(replicas)))

    def autoscale(self, *, least: int, most: int, cpu: float | None, memory: float | None) -> Sequence[str]:
        """Apply a HorizontalPodAutoscaler and return when there are `least` pods; what is to be known of it.

        Raises:
            EnvironmentProblem: when the API server refuses.
            TargetNotReady: when the pods do not come up.
        """
        cluster, place, follower = self._deployed.cluster, self._deployed.place, self._deployed.follower
        workload, version = follower.workload, api_version(cluster)
        shares = {resource: share for resource, share in (("cpu", cpu), ("memory", memory)) if share is not None}
        base = f"/apis/autoscaling/{version}/namespaces/{place.namespace}/horizontalpodautoscalers"
        manifest = autoscaler(
            version=version,
            kind=workload.kind.name,
            name=workload.name,
            run=place.run,
            least=least,
            most=most,
            shares=shares,
        )
        follower.elastic = True
        with follower.expecting_changes():
            workload.announce()
            place.make_object(base, manifest)
            if int(workload.get()["spec"].get("replicas", 1)) < least:
                workload.scale(least)
            self._deployed.roll_out()
        return () if has_metrics(cluster) else ("the cluster has no metrics server, so nothing will be scaled",)

    def delete_replicas(self, which: str) -> Sequence[str]:
        """Delete pods, and return their names when others serve in their place.

        Raises:
            EnvironmentProblem: when the API server refuses, or there is no pod.
            TargetNotReady: when no others come up.
        """
        deployed, follower = self._deployed, self._deployed.follower
        pods = chosen(follower.watcher.pods, which, self._readings.by_pod)
        with deployed.recorder.act(TargetRestart()), follower.expecting_changes():
            for pod in pods:
                deployed.cluster.delete(f"/api/v1/namespaces/{deployed.place.namespace}/pods/{pod.name}", uid=pod.uid)
            follower.watcher.wait_until_gone(pods, timeout_s=deployed.ready.timeout)
            deployed.wait_until_ready()
        return [pod.name for pod in pods]

    def replica_urls(self) -> Sequence[str]:
        """Where each of its pods answers by itself, oldest first; a port of this machine for each."""
        return list(self._deployed.follower.replica_urls().values())
