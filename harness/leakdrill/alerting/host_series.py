"""What of a container's readings a rule may look for elsewhere: a machine's memory, and the service's own process.

A container with a memory limit is published as a machine with as much memory, so that rules on `node_memory_*` can be
rehearsed without filling the machine. A service without metrics of its own has the series that every client library of
Prometheus adds for its process.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily

from leakdrill.alerting.container_series import gauge
from leakdrill.alerting.family_labels import NODE_NAME
from leakdrill.record.events import CgroupResources, ProcessTree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.core import Metric

    from leakdrill.alerting.container_series import Fresh


def host_series(fresh: Fresh, labels: Mapping[str, str], limit_bytes: float | None) -> Iterator[Metric]:
    """The memory of a machine whose size is the container's limit; nothing where there is no limit or no reading."""
    group, tree = fresh.get(CgroupResources), fresh.get(ProcessTree)
    cgroup = group if isinstance(group, CgroupResources) else None
    taken = cgroup.working_set_bytes if cgroup else tree.rss_bytes if isinstance(tree, ProcessTree) else None
    total = (cgroup.limit_bytes if cgroup else None) or limit_bytes
    if taken is None or total is None:
        return
    used = (cgroup.usage_bytes if cgroup else None) or taken
    yield gauge("node_memory_MemTotal_bytes", "The memory limit.", total, labels)
    yield gauge("node_memory_MemAvailable_bytes", "What can still be used.", max(total - taken, 0.0), labels)
    yield gauge("node_memory_MemFree_bytes", "What nothing is in.", max(total - used, 0.0), labels)
    yield gauge("node_memory_Cached_bytes", "Page cache.", (cgroup.cache_bytes if cgroup else None) or 0.0, labels)
    yield gauge("node_memory_Buffers_bytes", "Buffers; a container has none of its own.", 0.0, labels)
    yield gauge("node_memory_SwapTotal_bytes", "Swap; a container has none of its own.", 0.0, labels)
    yield gauge("node_memory_SwapFree_bytes", "Free swap.", 0.0, labels)
    if cgroup and cgroup.oom_kills is not None:
        yield gauge("node_vmstat_oom_kill", "Out-of-memory kills.", cgroup.oom_kills, labels)
    yield gauge("node_uname_info", "The machine.", 1.0, {**labels, **_machine()})


def _machine() -> dict[str, str]:
    kernel = os.uname()
    about = {"machine": kernel.machine, "release": kernel.release, "sysname": kernel.sysname}
    return {**about, "domainname": "(none)", "nodename": NODE_NAME, "version": kernel.version}


def process_series(fresh: Fresh, labels: Mapping[str, str], *, started_at: float) -> Iterator[Metric]:
    """The service's processes together, as one process; the limit of open files only where it is one."""
    tree = fresh.get(ProcessTree)
    if not isinstance(tree, ProcessTree):
        return
    resident = None if tree.rss_bytes is None else tree.rss_bytes - (tree.hugetlb_bytes or 0.0)
    for name, value, text in (
        ("process_resident_memory_bytes", resident, "Resident memory."),
        ("process_virtual_memory_bytes", tree.virtual_bytes, "Virtual memory."),
        ("process_open_fds", tree.fds, "Open file descriptors."),
        ("process_max_fds", tree.max_fds if tree.processes == 1 else None, "Most descriptors that it may open."),
        ("process_start_time_seconds", started_at, "When it was started, in Unix time."),
    ):
        if value is not None:
            yield gauge(name, text, value, labels)
    if tree.cpu_seconds is not None:
        family = CounterMetricFamily("process_cpu_seconds", "CPU time consumed.", labels=list(labels))
        family.add_metric(list(labels.values()), tree.cpu_seconds)
        yield family
