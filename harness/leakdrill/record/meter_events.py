"""The readings of the meters."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - get_type_hints evaluates the annotations
from dataclasses import dataclass, field
from typing import Annotated

from leakdrill.record.event_class import Reading, Sample
from leakdrill.record.parts import Entries, Entry, Label, Number, Text

_BYTES, _SECONDS, _COUNT = "bytes", "seconds", "count"


@dataclass(frozen=True)
class _ContainerReading(Reading):
    """Memory and CPU of a container or a control group; a field is missing where the kernel or the group lacks it."""

    usage_bytes: Annotated[float | None, Entry("memory in use, page cache included", _BYTES)] = None
    working_set_bytes: Annotated[float | None, Entry("memory that cannot be reclaimed at once", _BYTES)] = None
    memory_bytes: Annotated[float | None, Entry("anonymous memory, files in memory, swap and huge pages", _BYTES)] = (
        None
    )
    anon_bytes: Annotated[float | None, Entry("anonymous memory", _BYTES)] = None
    cache_bytes: Annotated[float | None, Entry("page cache", _BYTES)] = None
    limit_bytes: Annotated[float | None, Entry("the memory limit; missing when there is none", _BYTES)] = None
    oom_kills: Annotated[float | None, Entry("out-of-memory kills", _COUNT)] = None
    cpu_seconds: Annotated[float | None, Entry("CPU time consumed", _SECONDS)] = None
    periods: Annotated[float | None, Entry("accounting periods that have passed", _COUNT)] = None
    throttled_periods: Annotated[float | None, Entry("periods in which it was throttled", _COUNT)] = None
    throttled_seconds: Annotated[float | None, Entry("time for which it was throttled", _SECONDS)] = None
    processes: Annotated[float | None, Entry("processes in it", _COUNT)] = None


@dataclass(frozen=True)
class CgroupResources(
    _ContainerReading,
    source="cgroup",
    name="resources",
    written_by=("alerting", "meters", "targets"),
    read_by=("alerting", "judging", "reports"),
):
    """Memory and CPU of the target's control group; of several replicas the sum."""


@dataclass(frozen=True)
class EngineStats(
    _ContainerReading,
    source="engine",
    name="stats",
    for_people="compares the engine's figures with the control group's",
    written_by=("meters",),
):
    """Memory and CPU as the container engine's statistics give them, beside the control group's."""


@dataclass(frozen=True)
class KubeletSummary(
    _ContainerReading,
    source="kubelet",
    name="summary",
    for_people="compares the kubelet's figures with the cgroup's",
    written_by=("targets",),
):
    """Memory and CPU as the kubelet gives them, beside the control groups of the pods."""


@dataclass(frozen=True)
class PodResources(
    _ContainerReading, source="pod", name="resources", written_by=("targets",), read_by=("alerting", "judging")
):
    """Memory and CPU of one pod, about twice a second."""

    pod: Annotated[str, Label("the pod's name")] = ""


@dataclass(frozen=True)
class ReplicaResources(
    _ContainerReading,
    source="replica",
    name="resources",
    written_by=("targets",),
    read_by=("judging",),
):
    """Memory and CPU of one replica, about twice a second."""

    replica: Annotated[str, Label("the replica's name")] = ""


@dataclass(frozen=True)
class ReplicaRequestCounts(Reading, source="replica", name="requests", written_by=("meters",), read_by=("judging",)):
    """Requests that each replica has answered, by its own counter."""

    others: Annotated[Mapping[str, float], Entries("requests that the replica has answered, by its name", _COUNT)] = (
        field(default_factory=dict, kw_only=True)
    )


@dataclass(frozen=True)
class MetricsServerPods(
    Reading,
    source="metrics-server",
    name="pods",
    for_people="explains what an autoscaler went by",
    written_by=("targets",),
):
    """Usage of the pods as the cluster's metrics server has it, every 15 to 60 s."""

    working_set_bytes: Annotated[float | None, Entry("working set, sum over the pods", _BYTES)] = None
    cpu_cores: Annotated[float | None, Entry("CPU in use, sum over the pods", "cores")] = None
    pods: Annotated[float | None, Entry("pods that were measured", _COUNT)] = None


@dataclass(frozen=True)
class ProcessTree(
    Reading,
    source="process",
    name="tree",
    written_by=("meters", "runs"),
    read_by=("alerting", "judging", "reports"),
):
    """Sums over the target's processes."""

    rss_bytes: Annotated[float | None, Entry("resident memory", _BYTES)] = None
    cpu_seconds: Annotated[
        float | None, Entry("CPU time, including children that have ended and were waited for", _SECONDS)
    ] = None
    threads: Annotated[float | None, Entry("threads", _COUNT)] = None
    fds: Annotated[float | None, Entry("open file descriptors", _COUNT)] = None
    processes: Annotated[float | None, Entry("processes", _COUNT)] = None
    virtual_bytes: Annotated[float | None, Entry("virtual memory", _BYTES)] = None
    hugetlb_bytes: Annotated[
        float | None, Entry("huge pages that programs asked for; resident memory has them in it", _BYTES)
    ] = None
    max_fds: Annotated[float | None, Entry("how many descriptors a process may open, the least of them", _COUNT)] = None
    ended_bytes: Annotated[
        float | None, Entry("resident memory of the processes that have ended, each just before", _BYTES)
    ] = None
    ended_age_s: Annotated[
        float | None, Entry("age of the last process that ended, the largest of those that did at once", _SECONDS)
    ] = None


@dataclass(frozen=True)
class ProcessSmaps(Reading, source="process", name="smaps", written_by=("meters",), read_by=("alerting", "judging")):
    """Memory of the target's processes with shared pages divided among those who share them."""

    pss_bytes: Annotated[float | None, Entry("proportional set size (PSS)", _BYTES)] = None
    uss_bytes: Annotated[float | None, Entry("unique set size (USS)", _BYTES)] = None
    anon_bytes: Annotated[float | None, Entry("anonymous memory", _BYTES)] = None
    hugetlb_bytes: Annotated[float | None, Entry("huge pages, which each of the others has in it", _BYTES)] = None


@dataclass(frozen=True)
class ProcessPss(Reading, source="process", name="pss", written_by=("runs",), read_by=("judging",)):
    """Proportional set size of everything that the watched command started."""

    pss_bytes: Annotated[
        float | None, Entry("PSS of all its processes, summed, with what is swapped out and in huge pages", _BYTES)
    ] = None
    files_bytes: Annotated[float | None, Entry("files in memory that no process maps", _BYTES)] = None
    rest_bytes: Annotated[float | None, Entry("other memory that is charged and not of these processes", _BYTES)] = None
    others: Annotated[Mapping[str, float], Entries("PSS of each process, as pid_PID_bytes", _BYTES)] = field(
        default_factory=dict, kw_only=True
    )


@dataclass(frozen=True)
class ProcessMember(Sample, source="process", name="member", written_by=("runs",), read_by=("judging",)):
    """A process that the watched command started, or that has replaced its program."""

    number: Annotated[float | None, Entry("process id", "", "pid")] = None
    parent: Annotated[float | None, Entry("process id of its parent")] = None
    pid: Annotated[str, Label("process id")] = ""
    program: Annotated[str, Label("the program's name")] = ""
    command: Annotated[str, Label("the command line, shortened")] = ""
    phase: Annotated[str, Label("the phase that `--phase` assigns to it; empty if none")] = ""


@dataclass(frozen=True)
class MachineCpu(Reading, source="machine", name="cpu", written_by=("meters",), read_by=("judging",)):
    """The CPU time of the machine that the drill runs on."""

    cpus: Annotated[float | None, Entry("CPUs", _COUNT)] = None
    used_seconds: Annotated[float | None, Entry("CPU time of all processes since boot", "seconds")] = None
    idle_seconds: Annotated[float | None, Entry("CPU time that nobody used", "seconds")] = None
    stolen_seconds: Annotated[float | None, Entry("CPU time that other virtual machines got", "seconds")] = None


@dataclass(frozen=True)
class FilesystemDisk(
    Reading,
    source="filesystem",
    name="disk",
    written_by=("meters",),
    read_by=("alerting", "judging", "reports"),
):
    """The target's disk: a filesystem, or a folder whose files are added up."""

    size_bytes: Annotated[float | None, Entry("size", _BYTES)] = None
    used_bytes: Annotated[float | None, Entry("in use", _BYTES)] = None
    free_bytes: Annotated[float | None, Entry("free", _BYTES)] = None
    avail_bytes: Annotated[float | None, Entry("free for a user without privileges", _BYTES)] = None
    files: Annotated[float | None, Entry("inodes", _COUNT)] = None
    files_free: Annotated[float | None, Entry("free inodes", _COUNT)] = None


@dataclass(frozen=True)
class ServiceMetrics(
    Reading,
    source="service",
    name="metrics",
    written_by=("meters",),
    read_by=("backtest", "judging"),
):
    """The service's own metrics page."""

    others: Annotated[Mapping[str, float], Entries('each sample, as name{label="value"}')] = field(
        default_factory=dict, kw_only=True
    )


@dataclass(frozen=True)
class TorchAllocator(
    Reading, source="torch", name="allocator", written_by=("meters",), read_by=("alerting", "judging")
):
    """PyTorch's caching allocator: `torch.cuda.memory_stats()` of the service."""

    others: Annotated[Mapping[str, float], Entries("each statistic by PyTorch's name; bytes and counts")] = field(
        default_factory=dict, kw_only=True
    )


@dataclass(frozen=True)
class TorchHolders(Sample, source="torch", name="holders", written_by=("runs",), read_by=("judging",)):
    """Bytes of GPU memory that each place in the service's code holds, from PyTorch's memory snapshot."""

    holders: Annotated[Mapping[str, float] | None, Entries("held by the place", _BYTES, optional=True)] = None
    moment: Annotated[str, Label("`baseline` or `recover`")] = ""
    error: Annotated[str, Label("why there is no snapshot", optional=True)] = ""


@dataclass(frozen=True)
class GpuDevices(
    Reading, source="gpu", name="devices", written_by=("alerting", "meters"), read_by=("alerting", "judging")
):
    """The GPUs that the target computes on, by NVML; a sum is missing while any of them does not answer."""

    used_bytes: Annotated[float | None, Entry("memory in use, sum over the devices", _BYTES)] = None
    free_bytes: Annotated[float | None, Entry("free memory, sum over the devices", _BYTES)] = None
    reserved_bytes: Annotated[float | None, Entry("memory that the driver reserves, sum", _BYTES)] = None
    total_bytes: Annotated[float | None, Entry("memory of the devices, sum", _BYTES)] = None
    own_bytes: Annotated[float | None, Entry("held by the target's processes, sum", _BYTES)] = None
    others_bytes: Annotated[float | None, Entry("held by other processes, sum", _BYTES)] = None
    others: Annotated[Mapping[str, float], Entries("a device's fields, as gpu0.used_bytes or gpu0/3.used_bytes")] = (
        field(default_factory=dict, kw_only=True)
    )


@dataclass(frozen=True)
class GpuDriver(Sample, source="gpu", name="driver", for_people="names the versions", written_by=("meters",)):
    """The GPU driver that was found."""

    driver: Annotated[str, Label("the driver's version")] = ""
    nvml: Annotated[str, Label("NVML's version")] = ""


@dataclass(frozen=True)
class GpuDevice(
    Sample, source="gpu", name="device", written_by=("alerting", "meters"), read_by=("alerting", "judging")
):
    """A GPU, or a MIG slice, that the scenario names; labels as DCGM's exporter gives them."""

    device_key: Annotated[str, Label("Leakdrill's name of the device: gpu0, or gpu0/3 for a slice")] = ""
    gpu: Annotated[str, Label("index")] = ""
    uuid: Annotated[str, Label("UUID", key="UUID", optional=True)] = ""
    pci_bus_id: Annotated[str, Label("PCI address", optional=True)] = ""
    device: Annotated[str, Label("device file, such as nvidia0", optional=True)] = ""
    model: Annotated[str, Label("model", key="modelName", optional=True)] = ""
    hostname: Annotated[str, Label("host", key="Hostname", optional=True)] = ""
    slice_profile: Annotated[str, Label("the slice's profile", key="GPU_I_PROFILE", optional=True)] = ""
    slice_id: Annotated[str, Label("the slice's number", key="GPU_I_ID", optional=True)] = ""


@dataclass(frozen=True)
class GpuAnswers(Sample, source="gpu", name="answers", written_by=("meters",), read_by=("judging",)):
    """A GPU that had fallen silent answers again."""

    device_key: Annotated[str, Label("the device")] = ""


@dataclass(frozen=True)
class GpuSilent(Sample, source="gpu", name="silent", written_by=("meters",), read_by=("judging",)):
    """A GPU does not answer."""

    state: Annotated[str, Text("`lost` when the driver says so, else `silent`")] = ""
    device_key: Annotated[str, Label("the device")] = ""
    error: Annotated[str, Label("NVML's error")] = ""


@dataclass(frozen=True)
class GpuProcess(Sample, source="gpu", name="process", written_by=("meters",), read_by=("judging",)):
    """A process other than the target's holds memory of a GPU."""

    device_key: Annotated[str, Label("the device")] = ""
    pid: Annotated[str, Label("process id")] = ""
    program: Annotated[str, Label("the program's name")] = ""


@dataclass(frozen=True)
class GpuXid(Sample, source="gpu", name="xid", written_by=("meters",), read_by=("judging",)):
    """The driver reported an XID error."""

    xid: Annotated[float | None, Number("the error's number")] = None
    device_key: Annotated[str, Label("the device")] = ""


@dataclass(frozen=True)
class GpuAbsent(Sample, source="gpu", name="absent", written_by=("meters",), read_by=("judging",)):
    """There is no GPU, and the scenario allows that."""

    why: Annotated[str, Text("the reason")] = ""
