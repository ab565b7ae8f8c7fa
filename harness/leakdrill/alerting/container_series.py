"""A container's series under cAdvisor's names, made of what was read of it.

Where the machine gives it no cgroup of its own, memory in use and working set are the process tree's RSS (which counts
shared pages once for each process, and no page cache), and the limit is the declared one, if there is one.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from leakdrill.record.event_class import Reading
from leakdrill.record.events import METERS, CgroupResources, ProcessTree
from leakdrill.resources import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.core import Metric

CPU_PERIOD_US: Final = 100_000
"""The kernel's default accounting period for a CPU quota."""

Row = tuple[str, type[Reading], str, str]
Fresh = Mapping[type[Reading], Reading]
"""The latest readings, by class."""

_METERS: Final = {(meter.source, meter.event_name): meter for meter in METERS}
_GAUGES: Final[tuple[Row, ...]] = (
    ("container_memory_usage_bytes", CgroupResources, "usage_bytes", "Memory in use, page cache included."),
    (
        "container_memory_working_set_bytes",
        CgroupResources,
        "working_set_bytes",
        "Memory that cannot be reclaimed at once.",
    ),
    ("container_memory_cache", CgroupResources, "cache_bytes", "Page cache."),
    ("container_spec_memory_limit_bytes", CgroupResources, "limit_bytes", "The memory limit."),
    ("container_processes", ProcessTree, "processes", "Processes."),
    *(
        (reading.published[0], _METERS[reading.source, reading.name], reading.field, reading.published[1])
        for resource in RESOURCES.values()
        for reading in resource.readings
        if reading.published is not None
    ),
)
_COUNTERS: Final[tuple[Row, ...]] = (
    ("container_cpu_cfs_periods_total", CgroupResources, "periods", "Accounting periods that have passed."),
    (
        "container_cpu_cfs_throttled_periods_total",
        CgroupResources,
        "throttled_periods",
        "Periods in which it was throttled.",
    ),
    (
        "container_cpu_cfs_throttled_seconds_total",
        CgroupResources,
        "throttled_seconds",
        "Seconds for which it was throttled.",
    ),
    ("container_oom_events_total", CgroupResources, "oom_kills", "Out-of-memory kills."),
)
_FALLBACKS: Final[tuple[Row, ...]] = (
    ("container_memory_usage_bytes", ProcessTree, "rss_bytes", "RSS of all processes; there is no cgroup."),
    ("container_memory_working_set_bytes", ProcessTree, "rss_bytes", "RSS of all processes; there is no cgroup."),
    ("container_memory_rss", ProcessTree, "rss_bytes", "RSS of all processes; there is no cgroup."),
)
_CPU: Final[tuple[Row, ...]] = (
    ("container_cpu_usage_seconds_total", CgroupResources, "cpu_seconds", "CPU time consumed."),
    ("container_cpu_usage_seconds_total", ProcessTree, "cpu_seconds", "CPU time consumed."),
)
"""The first that was read counts."""


def container_series(
    fresh: Fresh,
    labels: Mapping[str, str],
    *,
    limit_bytes: float | None = None,
    cpus: float | None = None,
    started_at: float = 0.0,
    now_s: float,
) -> Iterator[Metric]:
    """The series of the container that `labels` name; none for a field that nothing was read of.

    Args:
        fresh: a `CgroupResources`, a `ProcessTree`, or both.
        labels: of every series.
        limit_bytes: the declared memory limit, published when no cgroup reports one.
        cpus: the declared CPU limit in cores, published as quota and period.
        started_at: in Unix time.
        now_s: likewise.
    """
    memory = _FALLBACKS if CgroupResources not in fresh else ()
    for name, value, text in read_rows((*_GAUGES, *memory), fresh):
        yield gauge(name, text, value, labels)
    for name, value, text in read_rows(_COUNTERS, fresh):
        yield counter(name, text, value, labels)
    if fresh:
        yield from _cpu(fresh, labels, cpus)
        if limit_bytes is not None and _number(fresh, CgroupResources, "limit_bytes") is None:
            yield gauge("container_spec_memory_limit_bytes", "The declared memory limit.", limit_bytes, labels)
        yield gauge("container_start_time_seconds", "When it was started, in Unix time.", started_at, labels)
        yield gauge("container_last_seen", "When it was last seen, in Unix time.", now_s, labels)


def shared_series(fresh: Fresh, labels: Mapping[str, str]) -> Iterator[Metric]:
    """The series that are only known of all replicas together: threads, descriptors and processes."""
    shared = [row for row in _GAUGES if row[1] is ProcessTree]
    for name, value, text in read_rows(shared, fresh):
        yield gauge(name, text, value, labels)


def read_rows(rows: Iterable[Row], fresh: Fresh) -> Iterator[tuple[str, float, str]]:
    """The name, the number and the description of each series whose field was read."""
    for name, event_class, field, text in rows:
        value = _number(fresh, event_class, field)
        if value is not None:
            yield name, value, text


def _number(fresh: Fresh, event_class: type[Reading], field: str) -> float | None:
    value: float | None = getattr(fresh.get(event_class), field, None)
    return value


def each_family_once(metrics: Iterable[Metric]) -> list[Metric]:
    """Returns the series grouped by name, as the format asks for."""
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
    for name, value, text in itertools.islice(read_rows(_CPU, fresh), 1):
        yield counter(name, text, value, {**labels, "cpu": "total"})
    if cpus is not None:
        quota = round(cpus * CPU_PERIOD_US)
        yield gauge("container_spec_cpu_quota", "CPU quota per period, in microseconds.", quota, labels)
        yield gauge("container_spec_cpu_period", "CPU period, in microseconds.", CPU_PERIOD_US, labels)


def counter(name: str, text: str, value: float, labels: Mapping[str, str]) -> Metric:
    """One counter with one series."""
    family = CounterMetricFamily(name.removesuffix("_total"), text, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family
