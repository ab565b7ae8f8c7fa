"""The steps that only a cluster has: more or fewer pods, an autoscaler that chooses, pods deleted and replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.targets.kubernetes.autoscaler import api_version, autoscaler, has_metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from leakdrill.targets.kubernetes.api import Cluster
    from leakdrill.targets.kubernetes.follower import WorkloadFollower
    from leakdrill.targets.kubernetes.placement import Placement


class Scaling:
    """Changes how many pods of a workload there are.

    Args:
        cluster: where it runs.
        place: of the workload.
        following: of the workload; what is changed here was asked for.
        roll_out: returns when every pod is as the workload wants it.
    """

    def __init__(
        self, cluster: Cluster, *, place: Placement, following: WorkloadFollower, roll_out: Callable[[], None]
    ) -> None:
        self._cluster = cluster
        self._place = place
        self._following = following
        self._roll_out = roll_out

    def scale(self, replicas: int) -> None:
        """Have so many pods, and return when they are ready. Raises as `roll_out` does."""
        with self._following.expecting_changes():
            self._following.workload.scale(replicas)
            self._roll_out()

    def autoscale(self, *, least: int, most: int, shares: Mapping[str, float]) -> Sequence[str]:
        """Apply a HorizontalPodAutoscaler and return when there are `least` pods; what is to be known of it.

        Raises:
            EnvironmentProblem: when the API server refuses.
        """
        workload, version = self._following.workload, api_version(self._cluster)
        base = f"/apis/autoscaling/{version}/namespaces/{self._place.namespace}/horizontalpodautoscalers"
        wanted = autoscaler(
            version=version, name=workload.name, run=self._place.run, least=least, most=most, shares=shares
        )
        self._following.elastic = True
        with self._following.expecting_changes():
            workload.announce()
            self._place.plan_object(f"{base}/{workload.name}")
            self._cluster.create(base, wanted)
            if int(workload.get()["spec"].get("replicas", 1)) < least:
                workload.scale(least)
            self._roll_out()
        return () if has_metrics(self._cluster) else ("the cluster has no metrics server, so nothing will be scaled",)

    def delete(self, names: Sequence[str], *, timeout_s: float) -> None:
        """Delete the pods `names` and return when they are gone; who follows in their place is not waited for.

        Raises:
            EnvironmentProblem: when the API server refuses.
        """
        for name in names:
            self._cluster.delete(f"/api/v1/namespaces/{self._place.namespace}/pods/{name}")
        self._following.watcher.wait_until_gone(names, timeout_s=timeout_s)
