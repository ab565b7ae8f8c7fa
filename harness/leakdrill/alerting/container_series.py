"""A container's series under cAdvisor's names, made of what was read of it.

Where the machine gives it no cgroup of its own, memory in use and working set are the process tree's RSS (which counts
shared pages once for each process, and no page cache), and the limit is the declared one, if there is one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from leakdrill.resources import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prometheus_client.core import Metric

CPU_PERIOD_US: Final = 100_000
"""The kernel's default accounting period for a CPU quota."""

Row = tuple[str, str, str, str]
Fresh = dict[str, dict[str, float]]
"""What was read lately: by source, by field."""

_GAUGES: Final[tuple[Row, ...]] = (
    ("container_memory_usage_bytes", "cgroup", "usage_bytes", "Memory in use, page cache included."),
    ("container_memory_working_set_bytes", "cgroup", "working_set_bytes", "Memory that cannot be reclaimed at once."),
    ("container_memory_cache", "cgroup", "cache_bytes", "Page cache."),
    ("container_spec_memory_limit_bytes", "cgroup", "limit_bytes", "The memory limit."),
    ("container_processes", "process", "processes", "Processes."),
    *(
        (reading.published[0], reading.source, reading.field, reading.published[1])
        for resource in RESOURCES.values()
        for reading in resource.readings
        if reading.published is not None
    ),
)
_COUNTERS: Final[tuple[Row, ...]] = (
    ("container_cpu_cfs_periods_total", "cgroup", "periods", "Accounting periods that have passed."),
    ("container_cpu_cfs_throttled_periods_total", "cgroup", "throttled_periods", "Periods in which it was throttled."),
    ("container_cpu_cfs_throttled_seconds_total", "cgroup", "throttled_seconds", "Seconds for which it was throttled."),
    ("container_oom_events_total", "cgroup", "oom_kills", "Out-of-memory kills."),
)
_FALLBACKS: Final[tuple[Row, ...]] = (
    ("container_memory_usage_bytes", "process", "rss_bytes", "RSS of all processes; there is no cgroup."),
    ("container_memory_working_set_bytes", "process", "rss_bytes", "RSS of all processes; there is no cgroup."),
    ("container_memory_rss", "process", "rss_bytes", "RSS of all processes; there is no cgroup."),
)


def container_series(
    fresh: Fresh,
    labels: Mapping[str, str],
    *,
    limit_bytes: float | None = None,
    cpus: float | None = None,
    started_at: float = 0.0,
) -> Iterator[Metric]:
    """The series of the container that `labels` name; none for a field that nothing was read of.

    Args:
        fresh: of the sources `cgroup` and `process`.
        labels: of every series.
        limit_bytes: the declared memory limit, published when no cgroup reports one.
        cpus: the declared CPU limit in cores, published as quota and period.
        started_at: in Unix time.
    """
    memory = _FALLBACKS if "cgroup" not in fresh else ()
    for name, source, field, text in (*_GAUGES, *memory):
        if field in fresh.get(source, {}):
            yield gauge(name, text, fresh[source][field], labels)
    for name, source, field, text in _COUNTERS:
        if field in fresh.get(source, {}):
            yield _counter(name, text, fresh[source][field], labels)
    if fresh:
        yield from _cpu(fresh, labels, cpus)
        if limit_bytes is not None and "limit_bytes" not in fresh.get("cgroup", {}):
            yield gauge("container_spec_memory_limit_bytes", "The declared memory limit.", limit_bytes, labels)
        yield gauge("container_start_time_seconds", "When it was started, in Unix time.", started_at, labels)
        yield gauge("container_last_seen", "When it was last seen, in Unix time.", time.time(), labels)


def shared_series(tree: Mapping[str, float], labels: Mapping[str, str]) -> Iterator[Metric]:
    """What is only known of all replicas together: threads, descriptors and processes."""
    for name, source, field, text in _GAUGES:
        if source == "process" and field in tree:
            yield gauge(name, text, tree[field], labels)


def each_family_once(metrics: Iterable[Metric]) -> list[Metric]:
    """The same series, those of one name put together, as the format asks for."""
    families: dict[str, Metric] = {}
    for metric in metrics:
        known = families.setdefault(metric.name, metric)
        if known is not metric:
            known.samples += metric.samples
    return list(families.values())


def gauge(name: str, text: str, value: float, labels: Mapping[str, str]) -> Metric:
    """One gauge with one series."""
    family = GaugeMetricFamily(name, text, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def _cpu(fresh: Fresh, labels: Mapping[str, str], cpus: float | None) -> Iterator[Metric]:
    # A process tree's count starts again when the service does; Prometheus knows that as a counter's reset.
    found = [fresh[s]["cpu_seconds"] for s in ("cgroup", "process") if "cpu_seconds" in fresh.get(s, {})]
    if found:
        yield _counter("container_cpu_usage_seconds_total", "CPU time consumed.", found[0], {**labels, "cpu": "total"})
    if cpus is not None:
        quota = round(cpus * CPU_PERIOD_US)
        yield gauge("container_spec_cpu_quota", "CPU quota per period, in microseconds.", quota, labels)
        yield gauge("container_spec_cpu_period", "CPU period, in microseconds.", CPU_PERIOD_US, labels)


def _counter(name: str, text: str, value: float, labels: Mapping[str, str]) -> Metric:
    family = CounterMetricFamily(name.removesuffix("_total"), text, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family
