"""A container that runs already, such as one that a test suite started: used as it is, and left as it was.

Its life is its owner's. When somebody else stops or removes it while the drill watches, the record says that, and not
that it crashed: the engine's own events say whether anybody asked for an end.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from leakdrill.agent.client import AgentClient
from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.meters.disk_inside import DiskInsideMeter
from leakdrill.meters.service import ServiceMeter
from leakdrill.record.events import TargetLeave, TargetReady, TargetRestart, TargetStart
from leakdrill.targets.base.placeholders import fill
from leakdrill.targets.base.readiness import Readiness
from leakdrill.targets.base.recorded import RecordedTarget
from leakdrill.targets.docker.agent import pid_inside, sockets_of
from leakdrill.targets.docker.engine import connect, where
from leakdrill.targets.docker.engine_container import EngineContainer
from leakdrill.targets.docker.execute import execute_inside
from leakdrill.targets.docker.existing_leaks import ContainerLeaks
from leakdrill.targets.docker.existing_limits import ExistingLimits, check_limits
from leakdrill.targets.docker.existing_undo import UNDO, token_of
from leakdrill.targets.docker.found import address_of, find_container, port_inside
from leakdrill.targets.docker.load_workers import ContainerWorkers
from leakdrill.targets.docker.meters import container_meters
from leakdrill.targets.docker.remote_engine import engine_host
from leakdrill.targets.docker.watched_container import WatchedContainer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import psutil
    from docker import DockerClient
    from docker.models.containers import Container

    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.meters.meter import Meter
    from leakdrill.scenario.target import ContainerForm, ProcessTarget


class ExistingContainer(RecordedTarget):
    """The container that `container.existing` names; the arguments are those of every target.

    The run's token is not used: a container that was there before does not know it.

    Raises:
        BadInput: when `spec` names no container.
        EnvironmentProblem: when no engine answers.
    """

    _undo: ClassVar = UNDO
    part_types: ClassVar[Sequence[type]] = (ContainerLeaks, ExistingLimits)
    _running: WatchedContainer | None = None

    def __init__(self, spec: ProcessTarget, *, token: str, **run: Any) -> None:
        del token
        if spec.container is None or spec.container.existing is None:
            raise BadInput(f"target '{spec.name}' names no container; expected target.container: NAME")
        super().__init__(spec, token="", **run)
        self.form: ContainerForm = spec.container
        self._called = spec.container.existing
        self._client: DockerClient = connect(self.form.engine)
        self._engine = self.form.engine or where(self._client)
        self._host = engine_host(self._client)
        self._made = EngineContainer(self._client, target=spec.name, host=self._host)
        self._port = self.form.port
        self._base_url = ""
        self._finding = threading.Lock()
        self._leaks = ContainerLeaks(
            spec.http,
            access=self.access,
            folder=self._scenario_dir,
            journal=self._journal,
            identity=self._identity,
            container=lambda: self.container,
        )
        changed = self._now_limited
        self._limits = ExistingLimits(self._made, journal=self._journal, identity=self._identity, changed=changed)

    @property
    def parts(self) -> Sequence[object]:
        """What remembers the leaks that were switched on, and what changes its limits."""
        return (self._leaks, self._limits)

    @property
    def base_url(self) -> str:
        """Where it answers; raises as `start` does when it is not there."""
        self._find()
        return self._base_url

    @property
    def disk_inside(self) -> str | None:
        """Where its disk lies inside, which only commands inside reach."""
        return self.form.disk

    @property
    def lost(self) -> str | None:
        """Who ended it, when somebody else than the drill did; None while it runs, and when it ended by itself."""
        return self._running.ended_by if self._running else None

    @property
    def container(self) -> Container:
        """It, as the engine knows it. Raises EnvironmentProblem before `start`."""
        return self._made.container

    @property
    def cgroup(self) -> Cgroup | None:
        """Its control group on this machine; None when it does not run, or elsewhere."""
        return self._made.cgroup

    @property
    def pid(self) -> int | None:
        """Its first process, as this machine numbers it; None when it does not run, or not here."""
        return self._made.first_pid if self._running and self._running.exit_status is None and self.cgroup else None

    def pids(self) -> list[int]:
        """Its processes, as this machine numbers them; none where the engine runs elsewhere."""
        return self._made.pids()

    def processes(self) -> Sequence[psutil.Process]:
        """Its processes now. Raises EnvironmentProblem where the engine runs elsewhere."""
        return self._made.processes()

    def notices(self) -> Sequence[str]:
        """What cannot be read here; known after `start`."""
        where_it_is = f"on {self._host}" if self._host else "not on this machine"
        told = f"the engine's control groups are {where_it_is}: memory is read once a second"
        return () if self.cgroup else (told,)

    def start(self) -> None:
        """Find it and its address, and return when it answers.

        Raises:
            ContainerGone: when it is not there, or does not run.
            BadInput: when its port cannot be told or reached, or its limits are not those of the scenario.
            TargetNotReady: when it does not answer.
        """
        container = self._find()
        found = {"image": str(container.attrs["Config"]["Image"]), "container": str(container.name)}
        with self._recorder.act(TargetStart(more=found)):
            check_limits(container, self.spec.limits)
            self._token = token_of(container)
            self._log_keeper.start()
            self._follow()

    def stop(self) -> None:
        """Switch off what leaks and put back what was changed; the container goes on."""
        if self._running:
            self._running.let_go()
        with self._recorder.act(TargetLeave()) as note:
            reasons = [*self._leaks.end(), *self._take_back(self._pending("container limits"))]
            if reasons:
                note.value, note.unknown = "; ".join(reasons), True
        self._log_keeper.stop()
        self._client.close()

    def restart(self) -> None:
        """Restart it: the same container, with the same limits.

        Raises:
            EnvironmentProblem: when the engine refuses, or publishes its port elsewhere afterwards.
            TargetNotReady: when it does not come back.
        """
        with self._recorder.act(TargetRestart()):
            if self._running:
                self._running.asked = True
            self._made.ask(lambda: self.container.restart(timeout=round(self.spec.stop_timeout)), "restart it")
            if self._running:
                self._running.join()
            self._made.ask(self.container.reload, "describe it")
            _check_stays(self._base_url, self._address(), self.container, self._port)
            self._follow()

    def execute(self, command: Sequence[str], *, output: Path, timeout_s: float) -> int:
        """Run `command` inside, its output into `output`; raises BadInput, and as `execute_inside` does."""
        values = {"python": "python", "port": str(self._port), "pid": "1", "disk": self.form.disk}
        argv = [fill(word, values, place=f"exec.command[{i}]") for i, word in enumerate(command)]
        return execute_inside(self.container, argv, output=output, timeout_s=timeout_s)

    def load_workers(self) -> ContainerWorkers:
        """The network of the container, as the place of a load's workers."""
        return ContainerWorkers(
            self._client,
            run_id=self._run_id,
            journal=self._journal,
            neighbour=lambda: self.container,
            addresses=lambda: self._made.addresses(self._port),
        )

    def bring_agent(self, folder: Path) -> AgentClient:
        """Who asks the agent that was put in the container before it started; `folder` is not used.

        Raises:
            EnvironmentProblem: when none was.
        """
        del folder
        return AgentClient(_agent_sockets(self._find(), self._host), pids=self.pids, inside=pid_inside)

    def meters(self) -> Sequence[Meter]:
        """What can be read of it; known after `start`."""
        meters = [*container_meters(self._made, disk_inside=None)]
        if self.spec.disk_is_read:
            meters.append(DiskInsideMeter(partial(self._made.disk_free, self.form.disk)))
        if self.spec.metrics:
            meters.append(ServiceMeter(self.base_url + self.spec.metrics, access=self.access))
        return meters

    def _find(self) -> Container:
        """Find it and its address, once: the alerting, which comes up beside the target, asks for it, too."""
        with self._finding:
            if not self._base_url:
                self._made.adopt(find_container(self._client, self._called, engine=self._engine))
                self._port = port_inside(self.container, self.form)
                self._base_url = self._address()
        return self.container

    def _address(self) -> str:
        return "http://" + address_of(self.container, self._port, host=self._host)

    def _identity(self) -> dict[str, Any]:
        """What the journal keeps of it, by which it is found again."""
        found = {"container": self.container.id, "container_name": self.container.name}
        return {**found, "part": self._part, "engine": self._engine, "port": self._port}

    def _follow(self) -> None:
        """Take up with the start that is there now, and return when it answers."""
        running = self._running = self._made.ask(
            lambda: WatchedContainer(self.container, log=self.log, recorder=self._recorder, client=self._client),
            "let it be watched",
        )
        took_s = Readiness(
            subject=f"target '{self.name}' (container {self.container.name})",
            url=self.base_url + self.spec.ready.path,
            timeout_s=self.spec.ready.timeout,
            exit_status=lambda: running.exit_status,
            log=self.log,
            log_start=self.log.stat().st_size if self.log.exists() else 0,
            access=self.access,
        ).wait()
        self._recorder.record(TargetReady(process=float(self.pid or 0), took_s=round(took_s, 3)))


def _agent_sockets(container: Container, host: str | None) -> Path:
    """The folder of the agent's sockets; `host` is the engine's machine, if not this. Raises EnvironmentProblem."""
    sockets = sockets_of(container.attrs)
    if sockets is None or host is not None:
        raise EnvironmentProblem(
            "no agent was asked: the container ran already, and was started without it",
            hint="in pytest, leak_agent(container) brings it in before the container starts",
        )
    return sockets


def _check_stays(before: str, now: str, container: Container, port: int) -> None:
    """Raises EnvironmentProblem when a restart has moved it to another address."""
    if now != before:
        raise EnvironmentProblem(
            f"container {container.name} answers at {now} after the restart, and no more at {before}, where the load "
            "goes",
            hint=f"publish port {port} on a fixed port of this machine, not on any that is free",
        )
