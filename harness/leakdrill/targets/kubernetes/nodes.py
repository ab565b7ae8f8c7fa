"""Whether the nodes of a cluster are this machine, and where a container of such a node shows here.

A pod has its node's kernel and, on the host's network, its addresses; but of control groups, processes and folders it
sees only its own. So one kernel is where the question begins, and what really shows answers it.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil

from leakdrill.machine.cgroup import Cgroup, this_machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leakdrill.machine.cgroup import Hierarchies

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_SET_IN_PODS: Final = "KUBERNETES_SERVICE_HOST"


def share_our_kernel(nodes: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every node runs on the kernel that we run on; its control groups may show here then."""
    try:
        ours = _BOOT_ID.read_text().strip()
    except OSError:
        return False
    return bool(nodes) and all(node["status"]["nodeInfo"].get("bootID") == ours for node in nodes)


def share_our_files(nodes: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every node sees the folders that we see.

    A node that is itself a container shares the kernel and not the files; it has an address of its own, which this
    machine has not. In a pod it is we who are the container, whatever our addresses are.
    """
    if _SET_IN_PODS in os.environ:
        return False
    ours = {address.address for addresses in psutil.net_if_addrs().values() for address in addresses}
    return share_our_kernel(nodes) and all(_address(node) in ours for node in nodes)


def _address(node: Mapping[str, Any]) -> str:
    addresses = [a["address"] for a in node["status"].get("addresses") or [] if a["type"] == "InternalIP"]
    return str(addresses[0]) if addresses else socket.gethostname()


def show_here(container_ids: Iterable[str], hierarchies: Hierarchies | None = None) -> bool:
    """Whether the control group and the processes of each of these containers can be seen from here."""
    hierarchies = hierarchies or this_machine()
    return all(_has_processes(cgroup_of_container(one, hierarchies)) for one in container_ids)


def _has_processes(cgroup: Cgroup | None) -> bool:
    """A process without a number here, because its pid namespace is not ours, is left out or listed as 0."""
    return cgroup is not None and any(pid and psutil.pid_exists(pid) for pid in cgroup.pids())


def cgroup_of_container(container_id: str, hierarchies: Hierarchies | None = None) -> Cgroup | None:
    """The control group of a container on this machine; None when it is not here (any more).

    Its name holds the container's id, whatever runtime and driver made it.
    """
    hierarchies = hierarchies or this_machine()
    place = hierarchies.v1.get("memory") or hierarchies.v2
    folder = _folder_of(container_id, place.top) if place else None
    if place is None or folder is None:
        return None
    if "memory" not in hierarchies.v1:
        return Cgroup(version=2, memory=folder, cpu=folder, cpuacct=folder)
    inside = folder.relative_to(place.top)
    folders = {name: other.top / inside for name, other in hierarchies.v1.items() if (other.top / inside).is_dir()}
    return Cgroup(version=1, **folders)


def _folder_of(container_id: str, top: Path) -> Path | None:
    for folder, names, _ in os.walk(top):
        for name in names:
            if container_id in name:
                return Path(folder) / name
    return None
