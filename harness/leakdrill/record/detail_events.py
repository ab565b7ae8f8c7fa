"""Readings of details, about once a second: rules of production ask for them, and no check rests on them."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - get_type_hints evaluates the annotations
from dataclasses import dataclass, field
from typing import Annotated

from leakdrill.record.event_class import Reading
from leakdrill.record.parts import Entries, Entry

_BYTES, _SECONDS, _COUNT = "bytes", "seconds", "count"


@dataclass(frozen=True)
class Pressure(Reading):
    """Time for which tasks waited for a resource, as the kernel's pressure stall information counts it."""

    cpu_waiting_seconds: Annotated[float | None, Entry("time in which some task waited for a CPU", _SECONDS)] = None
    cpu_stalled_seconds: Annotated[float | None, Entry("time in which all tasks waited for a CPU", _SECONDS)] = None
    memory_waiting_seconds: Annotated[float | None, Entry("time in which some task waited for memory", _SECONDS)] = None
    memory_stalled_seconds: Annotated[float | None, Entry("time in which all tasks waited for memory", _SECONDS)] = None
    io_waiting_seconds: Annotated[float | None, Entry("time in which some task waited for a disk", _SECONDS)] = None
    io_stalled_seconds: Annotated[float | None, Entry("time in which all tasks waited for a disk", _SECONDS)] = None


@dataclass(frozen=True)
class CgroupDetails(Pressure, source="cgroup", name="details", written_by=("meters",), read_by=("alerting",)):
    """What else the target's control groups count; of several replicas the sum."""

    user_seconds: Annotated[float | None, Entry("CPU time in programs", _SECONDS)] = None
    system_seconds: Annotated[float | None, Entry("CPU time in the kernel", _SECONDS)] = None
    swap_bytes: Annotated[float | None, Entry("memory that is swapped out", _BYTES)] = None
    mapped_bytes: Annotated[float | None, Entry("files that are mapped", _BYTES)] = None
    peak_bytes: Annotated[float | None, Entry("the most memory that was ever in use", _BYTES)] = None
    limit_hits: Annotated[float | None, Entry("times that memory use reached the limit", _COUNT)] = None
    page_faults: Annotated[float | None, Entry("page faults", _COUNT)] = None
    major_page_faults: Annotated[float | None, Entry("page faults that had to read a disk", _COUNT)] = None


@dataclass(frozen=True)
class NetworkInterfaces(
    Reading, source="network", name="interfaces", written_by=("meters",), read_by=("alerting", "judging")
):
    """The network as the target's processes see it: its interfaces, and the counts of its protocols."""

    others: Annotated[
        Mapping[str, float],
        Entries("eth0.receive_bytes and its like for each interface; TcpExt_ListenDrops and its like"),
    ] = field(default_factory=dict, kw_only=True)


@dataclass(frozen=True)
class MachineFigures(
    Pressure, source="machine", name="figures", written_by=("meters",), read_by=("alerting", "judging")
):
    """The machine that the target's processes run on."""

    cpus: Annotated[float | None, Entry("CPUs", _COUNT)] = None
    user_seconds: Annotated[float | None, Entry("CPU time in programs since boot", _SECONDS)] = None
    nice_seconds: Annotated[float | None, Entry("CPU time in programs of low priority", _SECONDS)] = None
    system_seconds: Annotated[float | None, Entry("CPU time in the kernel", _SECONDS)] = None
    idle_seconds: Annotated[float | None, Entry("CPU time that nobody used", _SECONDS)] = None
    iowait_seconds: Annotated[float | None, Entry("idle CPU time in which a disk was waited for", _SECONDS)] = None
    irq_seconds: Annotated[float | None, Entry("CPU time in interrupts", _SECONDS)] = None
    softirq_seconds: Annotated[float | None, Entry("CPU time in deferred interrupts", _SECONDS)] = None
    steal_seconds: Annotated[float | None, Entry("CPU time that other virtual machines got", _SECONDS)] = None
    load1: Annotated[float | None, Entry("load average over a minute")] = None
    load5: Annotated[float | None, Entry("load average over five minutes")] = None
    load15: Annotated[float | None, Entry("load average over a quarter of an hour")] = None
    open_files: Annotated[float | None, Entry("open files", _COUNT)] = None
    max_open_files: Annotated[float | None, Entry("how many files may be open", _COUNT)] = None
    procs_running: Annotated[float | None, Entry("runnable processes", _COUNT)] = None
    procs_blocked: Annotated[float | None, Entry("processes that wait for a disk", _COUNT)] = None
    context_switches: Annotated[float | None, Entry("context switches since boot", _COUNT)] = None
    forks: Annotated[float | None, Entry("processes made since boot", _COUNT)] = None
    booted_at_seconds: Annotated[float | None, Entry("when it was booted, in Unix time", _SECONDS)] = None
    page_faults: Annotated[float | None, Entry("page faults since boot", _COUNT)] = None
    major_page_faults: Annotated[float | None, Entry("page faults that had to read a disk", _COUNT)] = None
    pages_swapped_in: Annotated[float | None, Entry("pages swapped in", _COUNT)] = None
    pages_swapped_out: Annotated[float | None, Entry("pages swapped out", _COUNT)] = None
    tracked_connections: Annotated[float | None, Entry("connections that netfilter tracks", _COUNT)] = None
    max_tracked_connections: Annotated[float | None, Entry("how many it may track", _COUNT)] = None
    oom_kills: Annotated[float | None, Entry("out-of-memory kills", _COUNT)] = None


@dataclass(frozen=True)
class ProcessDetails(
    Reading, source="process", name="details", written_by=("meters",), read_by=("alerting", "judging")
):
    """What else the kernel counts of the target's processes, summed where nothing else is said."""

    user_seconds: Annotated[float | None, Entry("CPU time in programs", _SECONDS)] = None
    system_seconds: Annotated[float | None, Entry("CPU time in the kernel", _SECONDS)] = None
    runnable: Annotated[
        float | None, Entry("threads that ran or waited for a CPU, on average since the reading before", _COUNT)
    ] = None
    swap_bytes: Annotated[float | None, Entry("memory that is swapped out", _BYTES)] = None
    voluntary_switches: Annotated[float | None, Entry("context switches in which they waited", _COUNT)] = None
    involuntary_switches: Annotated[float | None, Entry("context switches in which they were interrupted", _COUNT)] = (
        None
    )
    page_faults: Annotated[float | None, Entry("page faults that read no disk", _COUNT)] = None
    major_page_faults: Annotated[float | None, Entry("page faults that had to read a disk", _COUNT)] = None
    read_bytes: Annotated[float | None, Entry("read from disks", _BYTES)] = None
    written_bytes: Annotated[float | None, Entry("written to disks", _BYTES)] = None
    worst_fd_ratio: Annotated[
        float | None, Entry("open descriptors of the process that is nearest to its limit, as a share of it")
    ] = None
    oldest_start_seconds: Annotated[float | None, Entry("start of the oldest, in Unix time", _SECONDS)] = None
    running: Annotated[float | None, Entry("processes that run", _COUNT)] = None
    sleeping: Annotated[float | None, Entry("processes that sleep", _COUNT)] = None
    waiting: Annotated[float | None, Entry("processes that wait for a disk", _COUNT)] = None
    zombie: Annotated[float | None, Entry("processes that have ended and were not waited for", _COUNT)] = None
    other: Annotated[float | None, Entry("processes in any other state", _COUNT)] = None
