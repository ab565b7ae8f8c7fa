"""The machine under node_exporter's names, but for its memory and its filesystems, which are the container's.

A container with a CPU limit is published as a machine as fast as its limit (`limited_machine.py`); one without, as the
machine that it runs on. What the limit says nothing of is the machine's: open files, processes, its start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.alerting.detail_series import by_interface
from leakdrill.alerting.labelled import labelled, named
from leakdrill.record.events import CgroupDetails, MachineFigures, NetworkInterfaces

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.core import Metric

    from leakdrill.alerting.container_series import Fresh

CPU_MODES: Final = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_FIGURES: Final = (
    ("node_filefd_allocated", "open_files", "Open files."),
    ("node_filefd_maximum", "max_open_files", "How many files may be open."),
    ("node_procs_running", "procs_running", "Runnable processes."),
    ("node_procs_blocked", "procs_blocked", "Processes that wait for a disk."),
    ("node_context_switches_total", "context_switches", "Context switches."),
    ("node_forks_total", "forks", "Processes made."),
    ("node_boot_time_seconds", "booted_at_seconds", "When it was booted, in Unix time."),
    ("node_nf_conntrack_entries", "tracked_connections", "Connections that are tracked."),
    ("node_nf_conntrack_entries_limit", "max_tracked_connections", "How many may be tracked."),
    ("node_vmstat_pswpin", "pages_swapped_in", "Pages swapped in."),
    ("node_vmstat_pswpout", "pages_swapped_out", "Pages swapped out."),
)
_LOAD: Final = (
    ("node_load1", "load1", "Load average over a minute."),
    ("node_load5", "load5", "Load average over five minutes."),
    ("node_load15", "load15", "Load average over a quarter of an hour."),
)
_OF_GROUP: Final = (
    ("node_vmstat_pgfault", "page_faults", "Page faults."),
    ("node_vmstat_pgmajfault", "major_page_faults", "Page faults that had to read a disk."),
    ("node_pressure_cpu_waiting_seconds_total", "cpu_waiting_seconds", "Time some task waited for a CPU."),
    ("node_pressure_memory_waiting_seconds_total", "memory_waiting_seconds", "Time some task waited for memory."),
    ("node_pressure_memory_stalled_seconds_total", "memory_stalled_seconds", "Time all tasks waited for memory."),
    ("node_pressure_io_waiting_seconds_total", "io_waiting_seconds", "Time some task waited for a disk."),
    ("node_pressure_io_stalled_seconds_total", "io_stalled_seconds", "Time all tasks waited for a disk."),
)
_COUNTS: Final = ("bytes", "packets", "errs", "drop")
_STATES: Final = ("up", "carrier", "speed_bytes", "mtu_bytes", "carrier_changes")


def machine_series(fresh: Fresh, labels: Mapping[str, str], *, limited: bool, now_s: float) -> Iterator[Metric]:
    """What was read of the machine; of its memory and pressure the container's, where that has a limit.

    Args:
        fresh: the latest readings.
        labels: of the machine.
        limited: whether the container has a memory limit, so that the machine's memory is its.
        now_s: in Unix time.
    """
    figures, group = fresh.get(MachineFigures), fresh.get(CgroupDetails) if limited else None
    if figures is not None:
        yield from named("node_time_seconds", "The time, in Unix time.", now_s, labels)
    for name, field, text in _FIGURES:
        yield from named(name, text, getattr(figures, field, None), labels)
    for name, field, text in _OF_GROUP:
        of_group = getattr(group, field, None)
        yield from named(name, text, getattr(figures, field, None) if of_group is None else of_group, labels)
    if not limited:  # else `host_series` has those of the container
        yield from named("node_vmstat_oom_kill", "Out-of-memory kills.", getattr(figures, "oom_kills", None), labels)
    yield from _network(fresh, labels)


def unlimited_cpu(fresh: Fresh, labels: Mapping[str, str]) -> Iterator[Metric]:
    """CPU time and load of the machine itself; each CPU has an equal share of what all of them have."""
    figures = fresh.get(MachineFigures)
    cpus = getattr(figures, "cpus", None)
    for name, field, text in _LOAD:
        yield from named(name, text, getattr(figures, field, None), labels)
    if cpus:
        seconds = {mode: getattr(figures, f"{mode}_seconds", None) for mode in CPU_MODES}
        shares = {mode: None if value is None else value / cpus for mode, value in seconds.items()}
        yield from cpu_time(shares, int(cpus), labels)


def cpu_time(seconds: Mapping[str, float | None], cpus: int, labels: Mapping[str, str]) -> Iterator[Metric]:
    """The seconds of each CPU by mode; `seconds` are those of one of them."""
    for cpu in range(cpus):
        yield from labelled("node_cpu_seconds_total", "CPU time.", "mode", seconds, {**labels, "cpu": str(cpu)})


def _network(fresh: Fresh, labels: Mapping[str, str]) -> Iterator[Metric]:
    counts = by_interface(fresh)
    for way in ("receive", "transmit"):
        for kind in _COUNTS:
            values = counts.get(f"{way}_{kind}", {})
            yield from labelled(f"node_network_{way}_{kind}_total", "Traffic.", "device", values, labels)
    for what in _STATES:
        name = f"node_network_{what}" + ("_total" if what == "carrier_changes" else "")
        yield from labelled(name, "State of the interface.", "device", counts.get(what, {}), labels)
    reading = fresh.get(NetworkInterfaces)
    for key, value in reading.others.items() if reading is not None else ():
        if "." not in key:
            kind = "netstat" if key.startswith(("Tcp_", "TcpExt_", "Udp_")) else "sockstat"
            yield from named(f"node_{kind}_{key}", "Count of a protocol.", value, labels)
