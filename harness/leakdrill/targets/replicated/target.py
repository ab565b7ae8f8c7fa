"""Several processes, or several containers, as one target: what a Deployment is in a cluster.

Each replica is a target of its own, with its own limits, disk and port. In front of them all stands a forwarder on
loopback, the same that stands before pods, so that a file whose step is `scale` means the same on every kind of target.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import urlsplit

from leakdrill.machine.ports import LOOPBACK, free_port
from leakdrill.meters.docker_stats_of_replicas import ReplicaStatsMeter
from leakdrill.meters.filesystem import FilesystemMeter
from leakdrill.meters.of_processes import process_meters
from leakdrill.meters.pods import PodsMeter
from leakdrill.meters.replica_requests import ReplicaRequests
from leakdrill.meters.service import ServiceMeter
from leakdrill.record.events import ReplicaResources, TargetReady, TargetReplicas, TargetScale
from leakdrill.targets.base.balancer import Balancer
from leakdrill.targets.base.local_connection import LocalConnection
from leakdrill.targets.base.recorded import PART
from leakdrill.targets.docker.container import engine_errors
from leakdrill.targets.docker.target import DockerTarget
from leakdrill.wait import TimedOut, wait_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import psutil

    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.meters.meter import Meter
    from leakdrill.scenario.target import ProcessTarget
    from leakdrill.targets.docker.load_workers import ContainerWorkers
    from leakdrill.targets.process.target import LocalProcess


class ReplicatedTarget:
    """Replicas of `spec`, each a target of `kind`; the other arguments are those of every target.

    It begins with one. What is done to its service is done to each in turn; commands and files are the first one's.

    Attributes:
        access: how requests to it are made.
        restarting_steps: actions after which some of it are new, and do not know which leaks were on.
    """

    restarting_steps: Final = frozenset({"scale"})
    part_types: ClassVar[Sequence[type]] = ()
    parts: Sequence[object] = ()

    def __init__(self, kind: type[LocalProcess | DockerTarget], spec: ProcessTarget, **run: Any) -> None:
        self._kind, self._run = kind, run
        self._recorder = run["recorder"]
        self._port = spec.port or free_port()
        self._first = self._another(spec.model_copy(update={"port": None}), 1)
        self._replicas = {self._named(1): self._first}
        self._serving: list[str] = []
        self.access = self._first.access
        self._front = Balancer(self._port, pods=lambda: self._serving, connect=self._connect, answers=lambda: True)

    @property
    def spec(self) -> ProcessTarget:
        """What each of them is now."""
        return self._first.spec

    @property
    def name(self) -> str:
        """Its name, published as the label `container`."""
        return self._first.name

    @property
    def base_url(self) -> str:
        """Where all of them answer; the same over restarts and whatever their number."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def token(self) -> str:
        """The run's token."""
        return self._first.token

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of its published series."""
        return self._first.labels

    @property
    def disk_inside(self) -> str | None:
        """Where the first one's disk lies inside, when only commands inside reach it; None when `file` does."""
        return self._first.disk_inside if isinstance(self._first, DockerTarget) else None

    @property
    def pid(self) -> int | None:
        """The first process of the first one, as this machine numbers it."""
        return self._first.pid

    def notices(self) -> Sequence[str]:
        """What cannot be enforced or read here, one sentence each; known after `start`."""
        return tuple(dict.fromkeys(notice for replica in self._replicas.values() for notice in replica.notices()))

    def start(self) -> None:
        """Start the first one, and return when it answers behind the forwarder; raises as every target does."""
        self._front.start()
        try:
            self._first.start()
        except BaseException:
            self._front.stop()
            raise
        self._serving = list(self._replicas)

    def stop(self) -> None:
        """End all of them and take back everything made for them; does nothing when that is gone."""
        for replica in reversed(self._replicas.values()):
            replica.stop()
        self._front.stop()

    def load_workers(self) -> ContainerWorkers | None:
        """The network of its containers, as the place of a load's workers; None for processes."""
        if not isinstance(self._first, DockerTarget):
            return None
        return self._first.load_workers(self._addresses_inside)

    def scale(self, replicas: int) -> None:
        """Run `replicas`, and return when they serve. One that goes gets no more requests before it ends.

        Raises:
            LeakdrillError: as `start` does; those that serve go on.
        """
        start_s = time.monotonic()
        with self._recorder.act(TargetScale(replicas=str(replicas))):
            while len(self._replicas) < replicas:
                self._add()
            while len(self._replicas) > replicas:
                self._remove()
        took_s = round(time.monotonic() - start_s, 3)
        self._recorder.record(TargetReplicas(replicas=float(replicas)))
        self._recorder.record(TargetReady(process=float(self.pid or 0), took_s=took_s))

    def replica_urls(self) -> Sequence[str]:
        """Where each of them answers by itself, oldest first."""
        return list(self._urls().values())

    def restart(self) -> None:
        """Restart each, one after the other; raises as every target does."""
        for replica in self._replicas.values():
            replica.restart()

    def set_env(self, variables: Mapping[str, str]) -> None:
        """Restart each with `variables` added to its environment; raises as every target does."""
        for replica in self._replicas.values():
            replica.set_env(variables)

    def set_limits(self, *, memory_bytes: int | None, cpus: float | None) -> Sequence[str]:
        """Change each one's limits; a sentence for each that is only watched. Raises as every target does."""
        notices = [one.set_limits(memory_bytes=memory_bytes, cpus=cpus) for one in self._replicas.values()]
        return list(dict.fromkeys(sentence for sentences in notices for sentence in sentences))

    def execute(self, command: Sequence[str], *, output: Path, timeout_s: float) -> int:
        """Run `command` beside the first one; raises as it does."""
        return self._first.execute(command, output=output, timeout_s=timeout_s)

    def file(self, path: str) -> Path:
        """Where `path` of the first one's disk lies on this machine; raises as it does."""
        return self._first.file(path)

    def pids(self) -> list[int]:
        """The processes of all of them."""
        return [pid for replica in self._replicas.values() for pid in replica.pids()]

    def processes(self) -> Sequence[psutil.Process]:
        """The processes of all of them; raises as each does."""
        return [process for replica in self._replicas.values() for process in replica.processes()]

    def meters(self) -> Sequence[Meter]:
        """What can be read: of all together, of each by itself, and the first one's disk; known after `start`."""
        meters = [*self._of_all()]
        if self._first.disk:
            meters.append(FilesystemMeter(self._first.disk))
        if self.spec.metrics:
            meters.append(ServiceMeter(self.base_url + self.spec.metrics, access=self.access))
            meters.append(ReplicaRequests(self._urls, self.spec.metrics, access=self.access))
        return meters

    def _of_all(self) -> list[Meter]:
        if self._cgroups():
            here = process_meters(self.pids, lambda: self._cgroups().values())
            return [*here, PodsMeter(self._cgroups, report=self._note_reading)]
        if self._kind is DockerTarget:
            return [ReplicaStatsMeter(self._containers, errors=engine_errors())]
        return process_meters(self.pids)

    def _add(self) -> None:
        number = len(self._replicas) + 1  # the newest goes first, so this one is free
        added = self._another(self.spec, number)
        added.start()
        self._replicas = {**self._replicas, self._named(number): added}
        self._serving = list(self._replicas)

    def _remove(self) -> None:
        name, leaving = list(self._replicas.items())[-1]
        stay = {other: replica for other, replica in self._replicas.items() if other != name}
        self._serving = list(stay)
        # A client may hold its connection open without a word; it loses it then, as it would in a cluster.
        with contextlib.suppress(TimedOut):
            wait_for(
                lambda: self._front.connections(name) == 0, what=f"the end of {name}'s requests",
                timeout_s=self.spec.stop_timeout,
            )  # fmt: skip
        self._replicas = stay
        leaving.stop()

    def _addresses_inside(self) -> list[str]:
        """Where those that serve answer on their network."""
        serving = [self._replicas[name] for name in list(self._serving)]
        return [place for one in serving if isinstance(one, DockerTarget) for place in one.addresses_inside]

    def _another(self, spec: ProcessTarget, number: int) -> LocalProcess | DockerTarget:
        return self._kind(spec, **self._run, part=PART if number == 1 else f"{PART}-{number}")

    def _named(self, number: int) -> str:
        return f"{self._first.name}-{number}"

    def _urls(self) -> dict[str, str]:
        return {name: replica.base_url for name, replica in self._replicas.items()}

    def _connect(self, name: str) -> LocalConnection:
        address = urlsplit(self._urls()[name])
        return LocalConnection(str(address.hostname), int(address.port or 0))

    def _containers(self) -> list[Any]:
        return [replica.container for replica in self._replicas.values() if isinstance(replica, DockerTarget)]

    def _cgroups(self) -> dict[str, Cgroup]:
        return {name: cgroup for name, replica in self._replicas.items() if (cgroup := replica.cgroup)}

    def _note_reading(self, replica: str, values: dict[str, float]) -> None:
        self._recorder.record(replace(ReplicaResources.of(values), replica=replica))
