"""Publishes what the meters read, under the names and labels that production's rules ask for.

The container's series have cAdvisor's names (`container_series.py`), the filesystem's node_exporter's, the cards' DCGM
exporter's (`gpu_series.py`), so a rules file runs as it is. Of a workload of pods each is published by itself, with
the label `pod`, and their sum is not: beside its parts a rule that adds up would count everything twice, and alone it
would hide a pod at its limit behind others that are idle.

A source that has not been read for a while is left out rather than repeated: a rule must see a gap as a gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.registry import Collector

from leakdrill.alerting.clock import SYSTEM_CLOCK
from leakdrill.alerting.container_series import (
    Fresh,
    container_series,
    each_family_once,
    shared_series,
)
from leakdrill.alerting.detail_series import detail_series, network_series
from leakdrill.alerting.disk_series import container_disk, machine_disk, volume_disk
from leakdrill.alerting.family_labels import MoreLabels
from leakdrill.alerting.gpu_series import GpuSeries
from leakdrill.alerting.host_series import host_series, process_series
from leakdrill.alerting.limited_machine import LimitedMachine
from leakdrill.alerting.machine_series import machine_series, unlimited_cpu
from leakdrill.alerting.process_group_series import process_group
from leakdrill.alerting.state_series import Ends, capacity_series, declared_series, running_series
from leakdrill.machine.quiet_server import QuietServer
from leakdrill.record.event_class import Reading
from leakdrill.record.events import (
    CgroupDetails,
    CgroupResources,
    FilesystemDisk,
    MachineFigures,
    NetworkInterfaces,
    PodResources,
    ProcessDetails,
    ProcessSmaps,
    ProcessTree,
    TargetLimits,
    TargetReplicas,
    TargetRestart,
    TargetStart,
)
from leakdrill.remember import remember

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client.core import Metric

    from leakdrill.alerting.clock import Clock
    from leakdrill.record.history import Event

K = TypeVar("K")
R = TypeVar("R", bound=Reading)

_STALE_AFTER_S: Final = 2.0
_MOST_PODS: Final = 512
_CONTAINER: Final = (CgroupResources, ProcessTree)
_PUBLISHED: Final = (
    *_CONTAINER,
    FilesystemDisk,
    CgroupDetails,
    ProcessDetails,
    ProcessSmaps,
    NetworkInterfaces,
    MachineFigures,
)

_BY_LINE: Final = {(event_class.source, event_class.event_name): event_class for event_class in _PUBLISHED}
_NO_MORE: Final = MoreLabels()


class Readings(Protocol):
    """The source of readings: a drill's recorder, or anything else that reports events."""

    @property
    def started_at(self) -> float:
        """The start of the process that is read, in Unix time."""

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with every event."""


class Exporter(Collector):
    """An HTTP endpoint `/metrics` on a free loopback port, fed by everything that is recorded.

    Args:
        recorder: its `CgroupResources` or `PodResources`, `ProcessTree`, `FilesystemDisk` and `GpuDevices` are
            published.
        labels: of the container's series: `container`, and whatever else the rules select by.
        more: labels of the other families; those that are None are not published.
        mountpoint: label of the filesystem's series, where `more` does not say so.
        device: likewise.
        fstype: likewise.
        limit_bytes: the declared memory limit; published when no cgroup reports one.
        cpus: the declared CPU limit in cores; published as quota and period.
        stale_after_s: how long a reading is published.
        containers: whether the container's series are published; not where the kubelet's own take their place.
        time_scale: how much faster than production the drill runs: a load average is over production's minutes.
        clock: by which readings grow old.
    """

    def __init__(  # noqa: PLR0913 - each is something that is published, and is named at the call
        self,
        recorder: Readings,
        *,
        labels: Mapping[str, str],
        more: MoreLabels = _NO_MORE,
        mountpoint: str = "/",
        device: str = "leakdrill",
        fstype: str = "tmpfs",
        limit_bytes: int | None = None,
        cpus: float | None = None,
        stale_after_s: float = _STALE_AFTER_S,
        containers: bool = True,
        time_scale: float = 1.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._clock = clock
        self._containers = containers
        self._labels, self._more = dict(labels), more
        self._disk_labels = {"device": device, "fstype": fstype, "mountpoint": mountpoint, **more.disk}
        self._limit_bytes: float | None = limit_bytes
        self._cpus = cpus
        self._replicas = 1.0
        self._stale_after_s = stale_after_s
        self._newest: dict[type[Reading], tuple[float, Reading]] = {}
        self._pods: dict[str, tuple[float, PodResources]] = {}
        self._pods_started_at: dict[str, float] = {}
        self._gpus = GpuSeries(
            stale_after_s=stale_after_s, labels=labels if more.card is None else more.card, clock=clock
        )
        self._started_at = recorder.started_at
        self._ends = Ends()
        self._limited = LimitedMachine(cpus or 1.0, time_scale=time_scale, clock=clock)
        self._server: tuple[Any, threading.Thread] | None = None
        recorder.subscribe(self._note)
        recorder.subscribe(self._gpus.note)
        recorder.subscribe(self._ends.note)
        recorder.subscribe(self._limited.note)

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
        self._server[0].handle_error = QuietServer().handle_error  # type: ignore[method-assign]

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
        container = self._container(fresh) if self._containers else ()
        yield from each_family_once((*container, *self._state(fresh)))
        yield from machine_disk(fresh, self._disk_labels)
        if self._more.volume is not None:
            yield from volume_disk(fresh, self._more.volume)
        yield from self._gpus.collect()
        yield from each_family_once(self._machine(fresh))
        yield from self._processes(fresh)

    def _machine(self, fresh: Fresh) -> Iterator[Metric]:
        """The container as a machine with as much memory and as many CPUs as its limits."""
        if self._more.host is not None:
            yield from host_series(fresh, self._more.host, self._limit_bytes)
        labels = self._more.machine
        if labels is None:
            return
        yield from machine_series(fresh, labels, limited=self._more.host is not None, now_s=self._clock.time())
        if self._cpus is None:
            yield from unlimited_cpu(fresh, labels)
        else:
            yield from self._limited.series(labels, stale_after_s=self._stale_after_s)
        if MachineFigures in fresh and self._more.declared is not None:
            yield from capacity_series(self._more, **self._limits_for(self._replicas))

    def _processes(self, fresh: Fresh) -> Iterator[Metric]:
        if self._more.process is not None:
            yield from process_series(fresh, self._more.process, started_at=self._started_at)
        if self._more.group is not None:
            yield from process_group(fresh, self._more.group, ended=self._ends.ended)

    def _fresh(self, readings: Mapping[K, tuple[float, R]]) -> dict[K, R]:
        now = self._clock.monotonic()
        return {key: reading for key, (t, reading) in tuple(readings.items()) if now - t <= self._stale_after_s}

    def _container(self, fresh: Fresh) -> Iterator[Metric]:
        own: Fresh = {event_class: reading for event_class, reading in fresh.items() if event_class in _CONTAINER}
        shared = {key: value for key, value in self._labels.items() if key != "pod"} if self._pods else self._labels
        yield from detail_series(fresh, shared)
        yield from network_series(fresh, shared)
        if not self._pods:
            yield from container_series(
                own,
                self._labels,
                **self._limits_for(self._replicas),
                started_at=self._started_at,
                now_s=self._clock.time(),
            )
            yield from container_disk(fresh, self._labels, self._disk_labels["device"])
            return
        yield from shared_series(own, shared)
        for pod, reading in self._fresh(self._pods).items():
            labels = {**self._labels, "pod": pod}
            one: Fresh = {CgroupResources: CgroupResources.of(reading.values)}
            started_at = self._pods_started_at.get(pod, self._started_at)
            yield from container_series(
                one, labels, **self._limits_for(1.0), started_at=started_at, now_s=self._clock.time()
            )

    def _state(self, fresh: Fresh) -> Iterator[Metric]:
        declared = self._more.declared
        if declared is None:
            return
        if not self._pods:
            yield from declared_series(declared, **self._limits_for(self._replicas))
            yield from self._ends.series(declared)
            if CgroupResources in fresh or ProcessTree in fresh:
                yield from running_series(declared, started_at=self._started_at, ready=self._ends.ready)
            return
        for pod in self._fresh(self._pods):
            labels = {**declared, "pod": pod}
            yield from declared_series(labels, **self._limits_for(1.0))
            since = self._pods_started_at.get(pod, self._started_at)
            yield from running_series(labels, started_at=since, ready=self._ends.ready)

    def _limits_for(self, replicas: float) -> dict[str, float | None]:
        """The declared limits of so many replicas together."""
        given = {"limit_bytes": self._limit_bytes, "cpus": self._cpus}
        return {name: None if limit is None else limit * replicas for name, limit in given.items()}

    def _note(self, event: Event) -> None:
        published = _BY_LINE.get((event.source, event.name))  # asked dozens of times a second
        if published is not None and event.kind == "sample" and isinstance(event.value, dict) and event.value:
            self._newest[published] = (self._clock.monotonic(), published.from_event(event))
            return
        of_pod = PodResources.read(event)
        if of_pod is not None and of_pod.values:
            since = self._pods_started_at.get(of_pod.pod, self._clock.time())
            remember(self._pods_started_at, of_pod.pod, since, most=_MOST_PODS)
            remember(self._pods, of_pod.pod, (self._clock.monotonic(), of_pod), most=_MOST_PODS)
        self._note_target(event)

    def _note_target(self, event: Event) -> None:
        if event.kind == "ok" and (TargetStart.matches(event) or TargetRestart.matches(event)):
            self._started_at = self._clock.time()
        limits = TargetLimits.read(event)  # a step may change the declared ones
        if limits is not None:
            self._limit_bytes = self._limit_bytes if limits.memory_bytes is None else limits.memory_bytes
            self._cpus = self._cpus if limits.cpus is None else limits.cpus
        scaled = TargetReplicas.read(event)  # each has the declared limits: where the sum is published, so are theirs
        if scaled is not None and scaled.replicas is not None:
            self._replicas = scaled.replicas
        if self._cpus is not None:
            self._limited.cpus = self._cpus * max(self._replicas, 1.0)
