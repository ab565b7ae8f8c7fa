"""Publishes what the meters read, under the names and labels that production's rules ask for.

The container's series have cAdvisor's names, the filesystem's node_exporter's, the cards' DCGM exporter's
(`gpu_series.py`), so a rules file runs as it is.
Where the machine gives the target no cgroup of its own, memory in use and working set are the process tree's RSS (which
counts shared pages once for each process, and no page cache), and the limit is the declared one, if there is one.

A source that has not been read for a while is left out rather than repeated: a rule must see a gap as a gap.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from harness.alerting.gpu_series import GpuSeries

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client.core import Metric

    from harness.history import Event

CPU_PERIOD_US: Final = 100_000
"""The kernel's default accounting period for a CPU quota."""

_STALE_AFTER_S: Final = 2.0
_SOURCES: Final = (("cgroup", "resources"), ("process", "tree"), ("filesystem", "disk"))

_NEW_LIMITS: Final = ("target", "limits")
"""A step may change the declared limits."""

_REPLICAS: Final = ("target", "replicas")
"""Each replica has the declared limits, and what is published is the sum over all."""

Row = tuple[str, str, str, str]

_GAUGES: Final[tuple[Row, ...]] = (
    ("container_memory_usage_bytes", "cgroup", "usage_bytes", "Memory in use, page cache included."),
    ("container_memory_working_set_bytes", "cgroup", "working_set_bytes", "Memory that cannot be reclaimed at once."),
    ("container_memory_rss", "cgroup", "anon_bytes", "Anonymous memory."),
    ("container_memory_cache", "cgroup", "cache_bytes", "Page cache."),
    ("container_spec_memory_limit_bytes", "cgroup", "limit_bytes", "The memory limit."),
    ("container_threads", "process", "threads", "Threads of all processes."),
    ("container_file_descriptors", "process", "fds", "Open file descriptors of all processes."),
    ("container_processes", "process", "processes", "Processes."),
)
_COUNTERS: Final[tuple[Row, ...]] = (
    ("container_cpu_cfs_periods_total", "cgroup", "periods", "Accounting periods that have passed."),
    ("container_cpu_cfs_throttled_periods_total", "cgroup", "throttled_periods", "Periods in which it was throttled."),
    ("container_cpu_cfs_throttled_seconds_total", "cgroup", "throttled_seconds", "Seconds for which it was throttled."),
    ("container_oom_events_total", "cgroup", "oom_kills", "Out-of-memory kills."),
)
_DISK: Final[tuple[Row, ...]] = (
    ("node_filesystem_size_bytes", "filesystem", "size_bytes", "Size of the filesystem."),
    ("node_filesystem_avail_bytes", "filesystem", "avail_bytes", "Space that a service may still use."),
    ("node_filesystem_free_bytes", "filesystem", "free_bytes", "Space that is free."),
    ("node_filesystem_files", "filesystem", "files", "Inodes."),
    ("node_filesystem_files_free", "filesystem", "files_free", "Free inodes."),
)
_FALLBACKS: Final[tuple[Row, ...]] = (
    ("container_memory_usage_bytes", "process", "rss_bytes", "RSS of all processes; there is no cgroup."),
    ("container_memory_working_set_bytes", "process", "rss_bytes", "RSS of all processes; there is no cgroup."),
    ("container_memory_rss", "process", "rss_bytes", "RSS of all processes; there is no cgroup."),
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
        recorder: its samples `cgroup resources`, `process tree`, `filesystem disk` and `gpu devices` are published.
        labels: of the container's series: `container`, and whatever else the rules select by.
        mountpoint: label of the filesystem's series, such as `/var/lib/inference-gateway`.
        device: likewise.
        fstype: likewise.
        limit_bytes: the declared memory limit; published when no cgroup reports one.
        cpus: the declared CPU limit in cores; published as quota and period.
        stale_after_s: how long a reading is published.
    """

    def __init__(
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
    ) -> None:
        self._labels = dict(labels)
        self._disk_labels = {"device": device, "fstype": fstype, "mountpoint": mountpoint}
        self._limit_bytes: float | None = limit_bytes
        self._cpus = cpus
        self._replicas = 1.0
        self._stale_after_s = stale_after_s
        self._newest: dict[str, tuple[float, dict[str, float]]] = {}
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
        now = time.monotonic()
        fresh = {source: v for source, (t, v) in tuple(self._newest.items()) if now - t <= self._stale_after_s}
        memory = _FALLBACKS if "cgroup" not in fresh else ()
        yield from (m for row in (*_GAUGES, *memory) if (m := self._gauge(row, fresh, self._labels)))
        yield from (m for row in _DISK if (m := self._gauge(row, fresh, self._disk_labels)))
        yield from (m for row in _COUNTERS if (m := self._counter(row, fresh, self._labels)))
        if "cgroup" in fresh or "process" in fresh:
            yield from self._cpu(fresh)
            yield from self._container(fresh)
        if "filesystem" in fresh:
            yield _gauge("node_filesystem_readonly", "Whether it is read-only.", 0.0, self._disk_labels)
        yield from self._cards.collect()

    def _note(self, event: Event) -> None:
        if event.kind == "ok" and event.source == "target" and event.name in ("start", "restart"):
            self._started_at = time.time()
        if event.kind == "sample" and isinstance(event.value, dict) and (event.source, event.name) in _SOURCES:
            self._newest[event.source] = (time.monotonic(), event.value)
        if event.kind == "sample" and isinstance(event.value, dict) and (event.source, event.name) == _NEW_LIMITS:
            self._limit_bytes = event.value.get("memory_bytes", self._limit_bytes)
            self._cpus = event.value.get("cpus", self._cpus)
        if event.kind == "sample" and isinstance(event.value, dict) and (event.source, event.name) == _REPLICAS:
            self._replicas = event.value["replicas"]

    def _gauge(self, row: Row, fresh: Mapping[str, Mapping[str, float]], labels: dict[str, str]) -> Metric | None:
        name, source, field, text = row
        value = fresh.get(source, {}).get(field)
        return None if value is None else _gauge(name, text, value, labels)

    def _counter(self, row: Row, fresh: Mapping[str, Mapping[str, float]], labels: dict[str, str]) -> Metric | None:
        name, source, field, text = row
        value = fresh.get(source, {}).get(field)
        return None if value is None else _counter(name, text, value, labels)

    def _cpu(self, fresh: Mapping[str, Mapping[str, float]]) -> Iterator[Metric]:
        # A process tree's count starts again when the service does; Prometheus knows that as a counter's reset.
        seconds = next(
            (fresh[s]["cpu_seconds"] for s in ("cgroup", "process") if "cpu_seconds" in fresh.get(s, {})), None
        )
        if seconds is not None:
            labels = {**self._labels, "cpu": "total"}
            yield _counter("container_cpu_usage_seconds_total", "CPU time consumed.", seconds, labels)
        if self._cpus is not None:
            quota = round(self._cpus * self._replicas * CPU_PERIOD_US)
            yield _gauge("container_spec_cpu_quota", "CPU quota per period, in microseconds.", quota, self._labels)
            yield _gauge("container_spec_cpu_period", "CPU period, in microseconds.", CPU_PERIOD_US, self._labels)

    def _container(self, fresh: Mapping[str, Mapping[str, float]]) -> Iterator[Metric]:
        if self._limit_bytes is not None and "limit_bytes" not in fresh.get("cgroup", {}):
            text = "The declared memory limit."
            yield _gauge("container_spec_memory_limit_bytes", text, self._limit_bytes * self._replicas, self._labels)
        yield _gauge(
            "container_start_time_seconds", "When it was started, in Unix time.", self._started_at, self._labels
        )
        yield _gauge("container_last_seen", "When it was last seen, in Unix time.", time.time(), self._labels)


def _gauge(name: str, text: str, value: float, labels: Mapping[str, str]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def _counter(name: str, text: str, value: float, labels: Mapping[str, str]) -> Metric:
    family = CounterMetricFamily(name.removesuffix("_total"), text, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family
