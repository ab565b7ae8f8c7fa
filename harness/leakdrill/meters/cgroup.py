"""The figures of a control group: memory against its limit, kills, CPU time and throttling.

The working set is usage less inactive file pages, as the kubelet and cAdvisor define it. Memory is what only the
program can give back: anonymous pages, files in memory (tmpfs, memfd, shared memory), swap and huge pages. Page cache
of ordinary files is not: the kernel keeps it on lists of its own and does not count it as `shmem`. Both versions of
control groups are read into the same names. Sources: the kernel's cgroup-v1/memory.rst, scheduler/sched-bwc.rst,
cgroup-v2.rst.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from leakdrill.meters import huge_pages
from leakdrill.meters.kernel_file import KernelFile
from leakdrill.record.events import CgroupResources

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from leakdrill.machine.cgroup import Cgroup

_NO_LIMIT_BYTES: Final = 1 << 62  # version 1 says "no limit" with the largest number of whole pages
_GONE: Final = (errno.ENODEV, errno.ENOENT)
"""What the kernel says of an open file of a group that is gone, and of one that is opened again."""
_HUGE: Final = "hugetlb"
"""How the names of the files begin that tell of huge pages."""
_NS: Final = 1e-9
_US: Final = 1e-6


class CgroupMeter:
    """Reads `cgroup`. A file that this kernel or this group lacks leaves its fields out."""

    event = CgroupResources
    every = 1

    def __init__(self, cgroup: Cgroup) -> None:
        read = _v1_files(cgroup) if cgroup.version == 1 else _v2_files(cgroup)
        if cgroup.memory is not None:
            huge = enumerate(huge_pages.group_files(cgroup.memory, cgroup.version))
            read |= {f"{_HUGE}{place}": file for place, file in huge}
        self._cgroup = cgroup
        self._files = {name: KernelFile(path) for name, path in read.items() if path.exists()}

    def read(self) -> dict[str, float] | None:
        """Bytes, seconds and counts since the group was made; None when the group is gone."""
        try:
            texts = {name: file.read() for name, file in self._files.items()}
        except OSError as e:
            if e.errno in _GONE:
                return None
            raise
        fields = (parse_v1 if self._cgroup.version == 1 else parse_v2)(texts)
        if "memory_bytes" in fields and not any(name.startswith(_HUGE) for name in texts):
            fields["memory_bytes"] += self._huge_of_members()
        return fields

    def _huge_of_members(self) -> float:
        """Huge pages of the group's processes, where no controller counts them."""
        if self._cgroup.version != 1 or not huge_pages.POOLS.in_use():
            return 0.0
        return huge_pages.held_by(self._cgroup.pids())

    def close(self) -> None:
        """Close the group's files."""
        while self._files:
            self._files.popitem()[1].close()


def _v1_files(cgroup: Cgroup) -> dict[str, Path]:
    memory = {
        "usage": "memory.usage_in_bytes",
        "stat": "memory.stat",
        "limit": "memory.limit_in_bytes",
        "events": "memory.oom_control",
    }
    files = {name: cgroup.memory / file for name, file in memory.items()} if cgroup.memory else {}
    if cgroup.cpu:
        files["cpu"] = cgroup.cpu / "cpu.stat"
    if cgroup.cpuacct:
        files["cpuacct"] = cgroup.cpuacct / "cpuacct.usage"
    return files


def _v2_files(cgroup: Cgroup) -> dict[str, Path]:
    memory = {
        "usage": "memory.current",
        "stat": "memory.stat",
        "limit": "memory.max",
        "events": "memory.events",
        "swap": "memory.swap.current",
    }
    files = {name: cgroup.memory / file for name, file in memory.items()} if cgroup.memory else {}
    if cgroup.cpuacct:
        files["cpu"] = cgroup.cpuacct / "cpu.stat"
    return files


def parse_v1(texts: Mapping[str, bytes]) -> dict[str, float]:
    """The fields in the files of a version 1 group, by the names that the meter gives them."""
    names = {"inactive": b"total_inactive_file", "anon": b"total_rss", "cache": b"total_cache"}
    stat = pairs(texts.get("stat", b""))
    fields = _memory(texts, stat, names)
    if {b"total_rss", b"total_shmem"} <= stat.keys():
        huge = sum(int(texts[name]) for name in texts if name.startswith(_HUGE))
        fields["memory_bytes"] = stat[b"total_rss"] + stat[b"total_shmem"] + stat.get(b"total_swap", 0) + huge
    cpu = pairs(texts.get("cpu", b""))
    _put(fields, cpu, {b"nr_periods": ("periods", 1), b"nr_throttled": ("throttled_periods", 1)})
    _put(fields, cpu, {b"throttled_time": ("throttled_seconds", _NS)})
    if "cpuacct" in texts:
        fields["cpu_seconds"] = int(texts["cpuacct"]) * _NS
    return fields


def parse_v2(texts: Mapping[str, bytes]) -> dict[str, float]:
    """The fields in the files of a version 2 group, by the names that the meter gives them."""
    stat, huge = pairs(texts.get("stat", b"")), [texts[name] for name in texts if name.startswith(_HUGE)]
    fields = _memory(texts, stat, {"inactive": b"inactive_file", "anon": b"anon", "cache": b"file"})
    if {b"anon", b"shmem"} <= stat.keys():
        apart = 0 if b"hugetlb" in stat else sum(map(int, huge))
        fields["memory_bytes"] = stat[b"anon"] + stat[b"shmem"] + int(texts.get("swap", b"0")) + apart
    cpu = pairs(texts.get("cpu", b""))
    _put(fields, cpu, {b"usage_usec": ("cpu_seconds", _US), b"throttled_usec": ("throttled_seconds", _US)})
    _put(fields, cpu, {b"nr_periods": ("periods", 1), b"nr_throttled": ("throttled_periods", 1)})
    return fields


def _memory(texts: Mapping[str, bytes], stat: Mapping[bytes, int], names: Mapping[str, bytes]) -> dict[str, float]:
    fields: dict[str, float] = {}
    if "usage" in texts:
        usage = int(texts["usage"])
        fields["usage_bytes"] = usage
        fields["working_set_bytes"] = max(usage - stat.get(names["inactive"], 0), 0)
    _put(fields, stat, {names["anon"]: ("anon_bytes", 1), names["cache"]: ("cache_bytes", 1)})
    limit = texts.get("limit", b"max").strip()
    if limit != b"max" and int(limit) < _NO_LIMIT_BYTES:
        fields["limit_bytes"] = int(limit)
    _put(fields, pairs(texts.get("events", b"")), {b"oom_kill": ("oom_kills", 1)})
    return fields


def pairs(text: bytes) -> dict[bytes, int]:
    """The counters in a file of lines `name number`."""
    tokens = text.split()
    return dict(zip(tokens[::2], map(int, tokens[1::2]), strict=True))


def _put(fields: dict[str, float], counters: Mapping[bytes, int], names: Mapping[bytes, tuple[str, float]]) -> None:
    for key, (name, unit) in names.items():
        if key in counters:
            fields[name] = counters[key] * unit
