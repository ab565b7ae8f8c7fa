"""The class of this machine, and how much memory a command may still use on it."""

from __future__ import annotations

import os
import platform

import psutil

from leakdrill.judging.watch.watch_baseline import MachineClass
from leakdrill.machine.cgroup import Cgroup, this_machine
from leakdrill.meters.cgroup import CgroupMeter


def machine_class() -> MachineClass:
    """The class of this machine: the CPUs that this process may use, and the memory that its cgroups leave it."""
    limits = [fields["limit_bytes"] for fields in _memory_cgroups() if "limit_bytes" in fields]
    return MachineClass(
        system=platform.system(),
        architecture=platform.machine(),
        cpus=len(os.sched_getaffinity(0)),
        memory_bytes=int(min([psutil.virtual_memory().total, *limits])),
    )


def available_bytes() -> float:
    """Bytes that can be used before something is killed: what the machine has left, or a cgroup above us if less."""
    left = [
        fields["limit_bytes"] - fields["working_set_bytes"]
        for fields in _memory_cgroups()
        if {"limit_bytes", "working_set_bytes"} <= fields.keys()
    ]
    return max(min([psutil.virtual_memory().available, *left]), 0)


def _memory_cgroups() -> list[dict[str, float]]:
    """Readings of our own memory cgroup and of those above it."""
    groups = this_machine()
    place, version = (groups.v1["memory"], 1) if "memory" in groups.v1 else (groups.v2, 2)
    readings = []
    for folder in place.upwards() if place else []:
        meter = CgroupMeter(Cgroup(version=version, memory=folder))
        readings.append(meter.read() or {})
        meter.close()
    return readings
