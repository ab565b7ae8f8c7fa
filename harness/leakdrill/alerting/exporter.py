"""Publishes what the meters read, under the names and labels that production's rules ask for.

The container's series have cAdvisor's names (`container_series.py`), the filesystem's node_exporter's, the cards' DCGM
exporter's (`gpu_series.py`), so a rules file runs as it is. Of a workload of pods each is published by itself, with
the label `pod`, and their sum is not: beside its parts a rule that adds up would count everything twice, and alone it
would hide a pod at its limit behind others that are idle.

A source that has not been read for a while is left out rather than repeated: a rule must see a gap as a gap.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.registry import Collector

from leakdrill.alerting.container_series import container_series, each_family_once, gauge, shared_series
from leakdrill.alerting.gpu_series import GpuSeries

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client.core import Metric

    from leakdrill.record.history import Event

_STALE_AFTER_S: Final = 2.0
_SOURCES: Final = (("cgroup", "resources"), ("process", "tree"), ("filesystem", "disk"))

_POD: Final = ("pod", "resources")
"""What is read of one pod."""

_NEW_LIMITS: Final = ("target", "limits")
"""A step may change the declared limits."""

_REPLICAS: Final = ("target", "replicas")
"""Each replica has the declared limits; where what is published is the sum over all, so are the limits."""

_DISK: Final[tuple[tuple[str, str, str], ...]] = (
    ("node_filesystem_size_bytes", "size_bytes", "Size of the filesystem."),
    ("node_filesystem_avail_bytes", "avail_bytes", "Space that a service may still use."),
    ("node_filesystem_free_bytes", "free_bytes", "Space that is free."),
    ("node_filesystem_files", "files", "Inodes."),
    ("node_filesystem_files_free", "files_free", "Free inodes."),
)


class Readings(Protocol):
    """Where readings come from: a drill's recorder, or whoever else tells events."""

    @property
    def started_at(self) -> float:
        """When what is read was started, in Unix time."""

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with every event."""


class Exporter(Collector):
    """An HTTP endpoint `/metrics` on a free loopback port, fed by everything that is recorded.

    Args:
        recorder: its samples `cgroup resources` or `pod resources`, `process tree`, `filesystem disk` and `gpu devices`
            are published.
        labels: of the container's series: `container`, and whatever else the rules select by.
        mountpoint: label of the filesystem's series, such as `/var/lib/inference-gateway`.
        device: likewise.
        fstype: likewise.
        limit_bytes: the declared memory limit; published when no cgroup reports one.
        cpus: the declared CPU limit in cores; published as quota and period.
        stale_after_s: how long a reading is published.
        containers: whether the container's series are published; not where the kubelet's own take their place.
    """

    def __init__(  # noqa: PLR0913 - each is something that is published, and is named at the call
        self,
        recorder: Readings,
        *,
        labels: Mapping[str, str],
        mountpoint: str,
        device: str = "leakdrill",
        fstype: str = "tmpfs",
        limit_bytes: int | None = None,
        cpus: float | None = None,
        stale_after_s: float = _STALE_AFTER_S,
        containers: bool = True,
    ) -> None:
        self._containers = containers
        self._labels = dict(labels)
        self._disk_labels = {"device": device, "fstype": fstype, "mountpoint": mountpoint}
        self._limit_bytes: float | None = limit_bytes
        self._cpus = cpus
        self._replicas = 1.0
        self._stale_after_s = stale_after_s
        self._newest: dict[str, tuple[float, dict[str, float]]] = {}
        self._pods: dict[str, tuple[float, dict[str, float]]] = {}
        self._pods_seen_at: dict[str, float] = {}
        self._cards = GpuSeries(stale_after_s=stale_after_s, labels=labels)
        self._started_at = recorder.started_at
        self._server: tuple[Any, threading.Thread] | None = None
        recorder.subscribe(self._note)
        recorder.subscribe(self._cards.note)

    @property
    def address(self) -> str:
        """`host:port`, as a scrape target is written; known after `start`."""
        port = self._server[0].server_port if self._server else 0
        return f"127.0.0.1:{port}"

    def start(self) -> None:
        """Begin to answer on a thread of its own."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        self._server = start_http_server(0, addr="127.0.0.1", registry=registry)

    def stop(self) -> None:
        """Stop answering. May be called again."""
        if self._server:
            server, thread = self._server
            server.shutdown()
            server.server_close()
            thread.join()
            self._server = None

    def collect(self) -> Iterator[Metric]:
        """The series of what was read lately."""
        fresh = self._fresh(self._newest)
        if self._containers:
            yield from each_family_once(self._container(fresh))
        for name, field, text in _DISK:
            if field in fresh.get("filesystem", {}):
                yield gauge(name, text, fresh["filesystem"][field], self._disk_labels)
        if "filesystem" in fresh:
            yield gauge("node_filesystem_readonly", "Whether it is read-only.", 0.0, self._disk_labels)
        yield from self._cards.collect()

    def _fresh(self, readings: Mapping[str, tuple[float, dict[str, float]]]) -> dict[str, dict[str, float]]:
        now = time.monotonic()
        return {name: values for name, (t, values) in tuple(readings.items()) if now - t <= self._stale_after_s}

    def _container(self, fresh: dict[str, dict[str, float]]) -> Iterator[Metric]:
        own = {source: values for source, values in fresh.items() if source != "filesystem"}
        if not self._pods:
            yield from container_series(own, self._labels, **self._given(self._replicas), started_at=self._started_at)
            return
        yield from shared_series(own.get("process", {}), self._labels)
        for pod, values in self._fresh(self._pods).items():
            labels = {**self._labels, "pod": pod}
            yield from container_series(
                {"cgroup": values}, labels, **self._given(1.0), started_at=self._pods_seen_at[pod]
            )

    def _given(self, replicas: float) -> dict[str, float | None]:
        """The declared limits of so many replicas together."""
        given = {"limit_bytes": self._limit_bytes, "cpus": self._cpus}
        return {name: None if limit is None else limit * replicas for name, limit in given.items()}

    def _note(self, event: Event) -> None:
        if event.kind == "ok" and event.source == "target" and event.name in ("start", "restart"):
            self._started_at = time.time()
        if event.kind == "sample" and isinstance(event.value, dict) and (event.source, event.name) in _SOURCES:
            self._newest[event.source] = (time.monotonic(), event.value)
        if event.kind == "sample" and isinstance(event.value, dict) and (event.source, event.name) == _POD:
            pod = event.labels["pod"]
            self._pods_seen_at.setdefault(pod, time.time())
            self._pods[pod] = (time.monotonic(), event.value)
        if event.kind == "sample" and isinstance(event.value, dict) and (event.source, event.name) == _NEW_LIMITS:
            self._limit_bytes = event.value.get("memory_bytes", self._limit_bytes)
            self._cpus = event.value.get("cpus", self._cpus)
        if event.kind == "sample" and isinstance(event.value, dict) and (event.source, event.name) == _REPLICAS:
            self._replicas = event.value["replicas"]
