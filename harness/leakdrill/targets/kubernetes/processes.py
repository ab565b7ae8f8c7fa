"""The processes of a workload's pods, where the nodes of its cluster are this machine."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import psutil

from leakdrill.remember import remember
from leakdrill.targets.kubernetes.nodes import cgroup_of_container

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.targets.kubernetes.pod import Pod


class PodProcesses:
    """The processes of `pods`, as this machine numbers them; none where the nodes are other machines.

    Args:
        pods: as they were a moment ago.
        local: whether their control groups show on this machine.
    """

    def __init__(self, pods: Callable[[], Sequence[Pod]], *, local: Callable[[], bool]) -> None:
        self._pods = pods
        self._local = local
        self._cgroups: dict[str, Cgroup | None] = {}

    @property
    def pid(self) -> int | None:
        """The first process; None when none runs, or not here."""
        return min(self.pids(), default=None)

    def pids(self) -> list[int]:
        """The numbers of those that run now."""
        return [pid for cgroup in self.cgroups().values() for pid in cgroup.pids()]

    def processes(self) -> Sequence[psutil.Process]:
        """Those that run now."""
        running = []
        for pid in self.pids():
            with contextlib.suppress(psutil.NoSuchProcess):
                running.append(psutil.Process(pid))
        return running

    def cgroups(self) -> dict[str, Cgroup]:
        """The control groups of the running containers, by pod."""
        if not self._local():
            return {}
        running = {pod.name: pod.container_id for pod in self._pods() if pod.container_id and not pod.leaving}
        cgroups = {name: self._cgroup(container_id) for name, container_id in running.items()}
        return {name: cgroup for name, cgroup in cgroups.items() if cgroup}

    def _cgroup(self, container_id: str) -> Cgroup | None:
        """Looking for it costs a walk, and it stays where it is as long as the container lives."""
        cgroup = self._cgroups.get(container_id) or cgroup_of_container(container_id)
        remember(self._cgroups, container_id, cgroup)
        return cgroup
