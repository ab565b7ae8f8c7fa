"""A workload that is followed: its pods watched, its logs kept, its pods reachable on this machine."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from leakdrill.machine.ports import free_port
from leakdrill.targets.base.balancer import Balancer
from leakdrill.targets.kubernetes.logs import PodLogs
from leakdrill.targets.kubernetes.pod_watcher import PodWatcher
from leakdrill.targets.kubernetes.port_forward import PodConnection
from leakdrill.targets.kubernetes.rollout import Rollout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from leakdrill.record.recorder import Recorder
    from leakdrill.targets.kubernetes.api import Cluster
    from leakdrill.targets.kubernetes.workload import Workload


class WorkloadFollower:
    """Follows `workload` from `start` to `stop`.

    Args:
        cluster: where it runs.
        workload: whose pods they are.
        namespace: likewise.
        container: which of their containers is the service.
        ports: of this machine, and of the pods.
        recorder: hears of what nobody asked for.
        log: gets what the pods write.

    Attributes:
        watcher: sees the pods.
        elastic: whether the platform may change the number of pods at any time, because we told it to.
    """

    def __init__(
        self,
        cluster: Cluster,
        workload: Workload,
        *,
        namespace: str,
        container: str,
        ports: tuple[int, int],
        recorder: Recorder,
        log: Path,
    ) -> None:
        self.elastic = False
        self.workload = workload
        self.container = container
        self._cluster = cluster
        self._namespace = namespace
        self._pod_port = ports[1]
        self._logs = PodLogs(cluster, namespace=namespace, container=container, log=log)
        self.watcher = PodWatcher(
            cluster,
            namespace=namespace,
            name=workload.name,
            query=workload.pods_query(),
            alone=workload.kind.single,
            container=container,
            recorder=recorder,
            on_change=self._logs.follow,
        )
        self._front = self._forwarder(ports[0], self.watcher.ready)
        self._by_pod: dict[str, Balancer] = {}

    def start(self) -> None:
        """Begin to watch and to listen. Raises as `Cluster.get` and `Balancer.start` do."""
        self.watcher.start()
        self._front.start()

    def stop(self) -> None:
        """End it all; may be called again."""
        self._front.stop()
        for forwarder in self._by_pod.values():
            forwarder.stop()
        self.watcher.stop()

    @contextmanager
    def expecting_changes(self) -> Iterator[None]:
        """What goes while this lasts was asked to go."""
        self.watcher.expect_changes(asked=True)
        try:
            yield
        finally:
            self.watcher.expect_changes(asked=self.elastic)

    def wait_until_rolled_out(self, *, subject: str, timeout_s: float) -> None:
        """Return when every pod is as the workload wants it; raises as `Rollout.wait` does."""
        Rollout(self.workload, self.watcher, self._logs, subject=subject, timeout_s=timeout_s).wait()

    def replica_urls(self) -> dict[str, str]:
        """Where each pod that is ready answers by itself, oldest first."""
        ready = self.watcher.ready()
        for gone in self._by_pod.keys() - {pod.name for pod in self.watcher.pods}:
            self._by_pod.pop(gone).stop()
        for pod in ready:
            if pod not in self._by_pod:
                self._by_pod[pod] = self._forwarder(free_port(), partial(self._alone, pod))
                self._by_pod[pod].start()
        return {pod: self._by_pod[pod].url for pod in ready}

    def _alone(self, pod: str) -> list[str]:
        return [name for name in self.watcher.ready() if name == pod]

    def _forwarder(self, port: int, pods: Callable[[], list[str]]) -> Balancer:
        return Balancer(port, pods=pods, connect=self._connect, answers=self._cluster.answers)

    def _connect(self, pod: str) -> PodConnection:
        return PodConnection(self._cluster, namespace=self._namespace, pod=pod, port=self._pod_port)
