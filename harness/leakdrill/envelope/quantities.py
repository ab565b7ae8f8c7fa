"""What the series of production mean: which resource, and what of it; by their usual names, or by the words in a name.

Nothing is guessed: a name that is not in the tables and whose words do not say memory, disk, descriptors, threads or a
card, in bytes or as a number of them, has no meaning here, and the alert that needs it is named with that reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Resource = Literal["memory", "disk", "inodes", "descriptors", "threads", "CPU", "GPU memory", "life"]
"""What may run out; `life` is that of the container: its restarts, its start, that it runs."""
Role = Literal[
    "used", "usage", "cache", "limit", "free", "available", "used share", "zero", "one",
    "used seconds", "idle seconds", "stalled seconds", "restarts", "kills", "started", "waiting", "running",
]  # fmt: skip
Presence = Literal["container", "pod", "node"]
"""Until when there is such a series: as long as the container runs, as its pod is known, or always."""

_MIB: Final = 2.0**20
_CPU_PERIOD_US: Final = 100_000.0


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a series tells.

    Attributes:
        resource: of which.
        role: what of it.
        factor: by which the value is multiplied: DCGM counts MiB.
        presence: how long there is such a series.
        by_words: whether the words in its name say so, and no table does.
    """

    resource: Resource
    role: Role
    factor: float = 1.0
    presence: Presence = "container"
    by_words: bool = False


_KNOWN: Final[tuple[tuple[str, Resource, Role], ...]] = (
    (r"container_memory_usage_bytes|container_memory_max_usage_bytes", "memory", "usage"),
    (r"container_memory_(working_set_bytes|rss|active_anon_bytes|total_active_anon_bytes)", "memory", "used"),
    (r"container_memory_(cache|total_inactive_file_bytes)", "memory", "cache"),
    (r"container_memory_(swap|mapped_file|failcnt|kernel_usage)", "memory", "zero"),
    (r"container_spec_memory_(limit|reservation_limit)_bytes", "memory", "limit"),
    (r"container_spec_memory_swap_limit_bytes", "memory", "limit"),
    (r"container_pressure_memory_(waiting|stalled)_seconds_total", "memory", "stalled seconds"),
    (r"node_pressure_memory_(waiting|stalled)_seconds_total", "memory", "stalled seconds"),
    (r"(node|machine)_memory_(MemTotal|bytes)(_bytes)?", "memory", "limit"),
    (r"node_memory_MemAvailable(_bytes)?", "memory", "available"),
    (r"node_memory_MemFree(_bytes)?", "memory", "free"),
    (r"node_memory_Cached(_bytes)?", "memory", "cache"),
    (r"node_memory_(Buffers|Slab|SReclaimable|SUnreclaim|Swap\w+|Shmem|HugePages_\w+)(_bytes)?", "memory", "zero"),
    (r"node_vmstat_(pgmajfault|pswpin|pswpout)", "memory", "zero"),
    (r"node_vmstat_oom_kill", "life", "kills"),
    (r"process_resident_memory_bytes|process_virtual_memory_bytes", "memory", "used"),
    (r"process_virtual_memory_max_bytes", "memory", "limit"),
    (r"namedprocess_namegroup_memory_bytes", "memory", "used"),
    (r"jvm_memory_(used_bytes|bytes_used|committed_bytes|bytes_committed)", "memory", "used"),
    (r"jvm_memory_(max_bytes|bytes_max)", "memory", "limit"),
    (r"go_memstats_(alloc|heap_alloc|heap_inuse|sys|heap_sys)_bytes", "memory", "used"),
    (r"nodejs_heap_(size|space_size)_used_bytes", "memory", "used"),
    (r"redis_memory_(used|used_rss)_bytes", "memory", "used"),
    (r"redis_memory_max_bytes|redis_config_maxmemory", "memory", "limit"),
    (r"(node_filesystem|kubelet_volume_stats)_(avail|available|free)_bytes", "disk", "free"),
    (r"(node_filesystem_size|kubelet_volume_stats_capacity)_bytes", "disk", "limit"),
    (r"(kubelet_volume_stats_used|container_fs_usage)_bytes", "disk", "used"),
    (r"container_fs_limit_bytes", "disk", "limit"),
    (r"node_filesystem_(readonly|device_error)", "disk", "zero"),
    (r"node_filesystem_files_free|kubelet_volume_stats_inodes_free|container_fs_inodes_free", "inodes", "free"),
    (r"node_filesystem_files|kubelet_volume_stats_inodes|container_fs_inodes_total", "inodes", "limit"),
    (r"kubelet_volume_stats_inodes_used", "inodes", "used"),
    (r"process_open_fds|container_file_descriptors|node_filefd_allocated", "descriptors", "used"),
    (r"process_max_fds|node_filefd_maximum", "descriptors", "limit"),
    (r"namedprocess_namegroup_open_filedesc", "descriptors", "used"),
    (r"namedprocess_namegroup_worst_fd_ratio", "descriptors", "used share"),
    (r"container_threads|process_threads|jvm_threads_(live|current)(_threads)?|go_goroutines", "threads", "used"),
    (r"namedprocess_namegroup_num_threads", "threads", "used"),
    (r"container_threads_max|node_processes_max_threads", "threads", "limit"),
    (r"node_processes_threads", "threads", "used"),
    (r"(container_cpu_usage|process_cpu|namedprocess_namegroup_cpu)_seconds_total", "CPU", "used seconds"),
    (r"DCGM_FI_DEV_FB_USED", "GPU memory", "used"),
    (r"DCGM_FI_DEV_FB_FREE", "GPU memory", "free"),
    (r"DCGM_FI_DEV_FB_TOTAL", "GPU memory", "limit"),
    (r"DCGM_FI_DEV_FB_RESERVED|nvidia_smi_memory_reserved_bytes", "GPU memory", "zero"),
    (r"nvidia_smi_memory_used_bytes|nvidia_gpu_memory_used_bytes", "GPU memory", "used"),
    (r"nvidia_smi_memory_free_bytes", "GPU memory", "free"),
    (r"nvidia_smi_memory_total_bytes|nvidia_gpu_memory_total_bytes", "GPU memory", "limit"),
    (r"kube_pod_container_status_restarts_total", "life", "restarts"),
    (r"container_oom_events_total", "life", "kills"),
    (r"container_start_time_seconds|process_start_time_seconds|kube_pod_container_state_started", "life", "started"),
    (r"kube_pod_container_status_(running|ready)", "life", "running"),
    (r"up|kube_(pod|node|namespace|persistentvolumeclaim)_(info|labels|owner)", "life", "one"),
    (r"kube_node_status_condition", "life", "one"),
    (r"(node_uname|machine_cpu|kube_node_role)\w*|namespace_workload_pod:\S+|kube_pod_container_info", "life", "one"),
)  # fmt: skip
_PATTERNS: Final = tuple((re.compile(f"(?:{pattern})"), resource, role) for pattern, resource, role in _KNOWN)

_OF_PODS: Final = "kube_pod"
_OF_NODES: Final = ("node_", "machine_", "kube_node", "kubelet_", "DCGM_", "nvidia_")

_WORDS: Final[tuple[tuple[frozenset[str], Resource], ...]] = (
    (frozenset({"gpu", "vram", "cuda"}), "GPU memory"),
    (frozenset({"memory", "mem", "heap", "rss"}), "memory"),
    (frozenset({"disk", "filesystem", "fs", "volume", "storage"}), "disk"),
    (frozenset({"fds", "descriptors", "filedesc"}), "descriptors"),
    (frozenset({"threads", "goroutines"}), "threads"),
)
_ROLES: Final[tuple[tuple[frozenset[str], Role], ...]] = (
    (frozenset({"free", "available", "avail"}), "free"),
    (frozenset({"limit", "max", "maximum", "total", "capacity", "size", "quota", "physical", "installed"}), "limit"),
    (frozenset({"used", "usage", "resident", "rss", "inuse", "alloc", "allocated", "open", "live", "current"}), "used"),
)
_ELSE: Final = frozenset(
    {"swap", "cache", "cached", "read", "reads", "write", "writes", "written", "received", "sent", "requests", "io",
     "buffer", "buffers", "deadlocked", "blocked", "state", "waiting", "peak", "daemon",
     "failures", "errors", "count", "bucket", "sum", "shared", "mapped", "reserved"}
)  # fmt: skip
"""Words by which a name tells of something else, or of a flow."""
_IN_BYTES: Final = frozenset({"GPU memory", "memory", "disk"})


def quantity_of(name: str, labels: Mapping[str, str]) -> Quantity | None:
    """Returns what the series `name` with `labels` tells; None where we do not know."""
    presence: Presence = "pod" if name.startswith(_OF_PODS) else "node" if name.startswith(_OF_NODES) else "container"
    by_labels = _by_labels(name, labels, presence)
    if by_labels is not None:
        return by_labels
    for pattern, resource, role in _PATTERNS:
        if pattern.fullmatch(name):
            factor = 1 / _MIB if name.startswith("DCGM_") else 1.0
            lasts: Presence = "node" if role == "one" and name == "up" else presence
            return Quantity(resource, role, factor, lasts)
    return _by_words(name)


def _by_labels(name: str, labels: Mapping[str, str], presence: Presence) -> Quantity | None:
    """What depends on a label: the declared limits, the mode of a CPU, the reason of an end."""
    if name in ("kube_pod_container_resource_limits", "kube_pod_container_resource_requests"):
        of: dict[str, Resource] = {"memory": "memory", "cpu": "CPU", "ephemeral_storage": "disk"}
        resource = of.get(labels.get("resource", ""))
        return Quantity(resource, "limit", presence=presence) if resource else None
    if name.startswith(("kube_pod_container_resource_limits_", "kube_pod_container_resource_requests_")):
        return Quantity("memory" if "memory" in name else "CPU", "limit", presence=presence)
    if name == "node_cpu_seconds_total":
        mode = labels.get("mode", "user")
        role: Role = "idle seconds" if mode == "idle" else "used seconds" if mode == "user" else "zero"
        return Quantity("CPU", role, presence=presence)
    if name == "namedprocess_namegroup_memory_bytes" and labels.get("memtype") == "swapped":
        return Quantity("memory", "zero", presence=presence)
    if name in ("container_spec_cpu_quota", "container_spec_cpu_period"):
        return Quantity("CPU", "limit" if name.endswith("quota") else "one", _CPU_PERIOD_US, presence)
    return _of_life(name, labels, presence)


def _of_life(name: str, labels: Mapping[str, str], presence: Presence) -> Quantity | None:
    reason = labels.get("reason", "")
    if name == "kube_pod_container_status_last_terminated_reason":
        return Quantity("life", "kills" if reason in ("", "OOMKilled") else "zero", presence=presence)
    if name == "kube_pod_container_status_waiting_reason":
        return Quantity("life", "waiting" if reason in ("", "CrashLoopBackOff") else "zero", presence=presence)
    if name == "kube_pod_status_phase":
        return Quantity("life", "one" if labels.get("phase", "Running") == "Running" else "zero", presence=presence)
    return None


def _by_words(name: str) -> Quantity | None:
    words = [word for word in re.split(r"[_:]+", name.lower()) if word]
    have = set(words)
    resource = next((resource for known, resource in _WORDS if have & known), None)
    if resource is None or have & _ELSE or words[-2:] == ["bytes", "total"]:
        return None
    of_another = words[-1] in ("total", "seconds", "bytes", "ratio")
    if words[-1] != "bytes" if resource in _IN_BYTES else of_another:
        return None
    role: Role = next((role for known, role in _ROLES if have & known), "used")
    return Quantity(resource, role, by_words=True)
