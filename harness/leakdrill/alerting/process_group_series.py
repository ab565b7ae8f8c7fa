"""The service's processes under process-exporter's names, as one group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.alerting.labelled import fields_of, labelled, named
from leakdrill.record.events import ProcessDetails, ProcessSmaps, ProcessTree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.core import Metric

    from leakdrill.alerting.container_series import Fresh

_PREFIX: Final = "namedprocess_namegroup_"
_TREE: Final = {
    "num_procs": ("processes", "Processes."),
    "num_threads": ("threads", "Threads."),
    "open_filedesc": ("fds", "Open file descriptors."),
}
_DETAILS: Final = {
    "worst_fd_ratio": ("worst_fd_ratio", "Open descriptors of the process nearest to its limit, as a share of it."),
    "oldest_start_time_seconds": ("oldest_start_seconds", "Start of the oldest, in Unix time."),
    "read_bytes_total": ("read_bytes", "Bytes read from disks."),
    "write_bytes_total": ("written_bytes", "Bytes written to disks."),
    "minor_page_faults_total": ("page_faults", "Page faults that read no disk."),
    "major_page_faults_total": ("major_page_faults", "Page faults that had to read a disk."),
}
_BY_LABEL: Final = (
    ("cpu_seconds_total", "CPU time.", "mode", {"user": "user_seconds", "system": "system_seconds"}),
    (
        "context_switches_total", "Context switches.", "ctxswitchtype",
        {"voluntary": "voluntary_switches", "nonvoluntary": "involuntary_switches"},
    ),
    (
        "states", "Processes in each state.", "state",
        {"Running": "running", "Sleeping": "sleeping", "Waiting": "waiting", "Zombie": "zombie", "Other": "other"},
    ),
)  # fmt: skip


def process_group(fresh: Fresh, labels: Mapping[str, str], *, ended: bool) -> Iterator[Metric]:
    """The group that `labels` name; none of what was not read.

    Args:
        fresh: the latest readings.
        labels: of the group.
        ended: whether the service is known to have ended, so that there is no process of it.
    """
    tree, details = fresh.get(ProcessTree), fresh.get(ProcessDetails)
    if ended and tree is None:
        yield from named(f"{_PREFIX}num_procs", "Processes.", 0.0, labels)
        return
    for reading, rows in ((tree, _TREE), (details, _DETAILS)):
        for name, (field, text) in rows.items():
            yield from named(f"{_PREFIX}{name}", text, getattr(reading, field, None), labels)
    for name, text, label, fields in _BY_LABEL:
        yield from labelled(f"{_PREFIX}{name}", text, label, fields_of(details, fields), labels)
    memory = {
        "resident": getattr(tree, "rss_bytes", None),
        "virtual": getattr(tree, "virtual_bytes", None),
        "swapped": getattr(details, "swap_bytes", None),
        "proportionalResident": getattr(fresh.get(ProcessSmaps), "pss_bytes", None),
    }
    yield from labelled(f"{_PREFIX}memory_bytes", "Memory.", "memtype", memory, labels)
