"""The control group that a running process is in: not made by us, only read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from leakdrill.machine.cgroup import Cgroup, this_machine
from leakdrill.machine.process_tree import group_pids

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from leakdrill.machine.cgroup import Place

_SYSTEMD: Final = Path("/sys/fs/cgroup/systemd")
"""The hierarchy of version 1 in which systemd keeps its units; other hierarchies have them with accounting only."""


def group_of(pid: int, *, wanted: Callable[[str], bool] = lambda _paths: True) -> Cgroup | None:
    """The control group of process `pid`; None when it has ended, or `wanted` refuses what /proc says of its groups."""
    try:
        text = Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return None
    if not wanted(text):
        return None
    hierarchies = this_machine()
    paths = {name: path for line in text.splitlines() for names, path in [line.split(":", 2)[1:]]
             for name in names.split(",")}  # fmt: skip
    if "memory" in hierarchies.v1:
        folders = {name: _below(place, paths[name]) for name, place in hierarchies.v1.items() if name in paths}
        return Cgroup(version=1, **folders)
    if hierarchies.v2 is None:
        return None
    folder = _below(hierarchies.v2, paths.get("", "/"))
    return Cgroup(version=2, memory=folder, cpu=folder, cpuacct=folder)


def sole_group(pid: int, members: Collection[int]) -> Cgroup | None:
    """The control group of `pid` where nobody is in it besides `members`; None where others share it.

    A controller whose group holds others is left out; without memory there is no group to speak of.
    """
    group = group_of(pid)
    if group is None:
        return None
    own = {folder: set(members) >= set(group_pids(folder)) != set() for folder in group.folders}
    kept = {
        name: folder if folder and own[folder] else None
        for name, folder in (("memory", group.memory), ("cpu", group.cpu), ("cpuacct", group.cpuacct))
    }
    return Cgroup(version=group.version, **kept) if kept["memory"] else None


def unit_members(control_group: str, pid: int) -> list[int]:
    """The processes of the systemd unit at `control_group`, whose first is `pid`; none where no hierarchy has it."""
    hierarchies = this_machine()
    tops = [place.top for place in (hierarchies.v2, *hierarchies.v1.values()) if place is not None]
    for top in dict.fromkeys((*tops, _SYSTEMD)):
        members = group_pids(top / control_group.lstrip("/"))
        if pid in members:
            return members
    return []


def _below(place: Place, path: str) -> Path:
    return place.top / path.lstrip("/")
