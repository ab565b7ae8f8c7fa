"""More of a container under cAdvisor's names: faults, peak, CPU by mode, pressure, disk traffic, and its network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.alerting.labelled import fields_of, labelled, named
from leakdrill.record.events import CgroupDetails, NetworkInterfaces, ProcessDetails, ProcessTree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.core import Metric

    from leakdrill.alerting.container_series import Fresh

_GROUP: Final = (
    ("container_memory_swap", "swap_bytes", "Memory that is swapped out."),
    ("container_memory_mapped_file", "mapped_bytes", "Files that are mapped."),
    ("container_memory_max_usage_bytes", "peak_bytes", "The most memory that was ever in use."),
    ("container_memory_failcnt", "limit_hits", "Times that memory use reached the limit."),
    ("container_pressure_cpu_waiting_seconds_total", "cpu_waiting_seconds", "Time some task waited for a CPU."),
    ("container_pressure_cpu_stalled_seconds_total", "cpu_stalled_seconds", "Time all tasks waited for a CPU."),
    ("container_pressure_memory_waiting_seconds_total", "memory_waiting_seconds", "Time some task waited for memory."),
    ("container_pressure_memory_stalled_seconds_total", "memory_stalled_seconds", "Time all tasks waited for memory."),
    ("container_pressure_io_waiting_seconds_total", "io_waiting_seconds", "Time some task waited for a disk."),
    ("container_pressure_io_stalled_seconds_total", "io_stalled_seconds", "Time all tasks waited for a disk."),
)
_FAULTS: Final = {"pgfault": "page_faults", "pgmajfault": "major_page_faults"}
_NETWORK: Final = {
    "receive_bytes": "Bytes received.",
    "receive_packets": "Packets received.",
    "receive_errs": "Errors in receiving.",
    "receive_drop": "Packets dropped in receiving.",
    "transmit_bytes": "Bytes sent.",
    "transmit_packets": "Packets sent.",
    "transmit_errs": "Errors in sending.",
    "transmit_drop": "Packets dropped in sending.",
}
_CADVISORS: Final = {"errs": "errors", "drop": "packets_dropped"}


def detail_series(fresh: Fresh, labels: Mapping[str, str]) -> Iterator[Metric]:
    """The series of the container that `labels` name; none for what was not read."""
    group, processes = fresh.get(CgroupDetails), fresh.get(ProcessDetails)
    for name, field, text in _GROUP:
        yield from named(name, text, getattr(group, field, None), labels)
    for scope in ("container", "hierarchy"):
        faults = fields_of(group, _FAULTS)
        yield from labelled(
            "container_memory_failures_total", "Page faults.", "failure_type", faults, {**labels, "scope": scope}
        )
    by_mode = processes if getattr(group, "user_seconds", None) is None else group
    for mode in ("user", "system"):
        seconds = getattr(by_mode, f"{mode}_seconds", None)
        yield from named(f"container_cpu_{mode}_seconds_total", "CPU time consumed.", seconds, labels)
    for name, field in (("reads", "read_bytes"), ("writes", "written_bytes")):
        moved = getattr(processes, field, None)
        yield from named(f"container_fs_{name}_bytes_total", "Bytes moved to or from disks.", moved, labels)
    most = {"max_open_files": getattr(fresh.get(ProcessTree), "max_fds", None)}
    yield from labelled("container_ulimits_soft", "Limits of its processes.", "ulimit", most, labels)


def network_series(fresh: Fresh, labels: Mapping[str, str]) -> Iterator[Metric]:
    """The network of the container's pod: loopback is left out, and so is the container, for they share it."""
    of_pod = {key: value for key, value in labels.items() if key != "container"}
    for what, counts in by_interface(fresh).items():
        if what in _NETWORK:
            way, _, kind = what.partition("_")
            name = f"container_network_{way}_{_CADVISORS.get(kind, kind)}_total"
            outside = {interface: value for interface, value in counts.items() if interface != "lo"}
            yield from labelled(name, _NETWORK[what], "interface", outside, of_pod)


def by_interface(fresh: Fresh) -> dict[str, dict[str, float | None]]:
    """What was read of the network's interfaces: by what it is, then by interface."""
    counts: dict[str, dict[str, float | None]] = {}
    reading = fresh.get(NetworkInterfaces)
    for key, value in reading.others.items() if reading is not None else ():
        interface, dot, what = key.rpartition(".")
        if dot:
            counts.setdefault(what, {})[interface] = value
    return counts
