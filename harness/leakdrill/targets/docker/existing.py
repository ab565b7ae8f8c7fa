"""A container that runs already, such as one that a test suite started: used as it is, and left as it was.

Its life is its owner's. Who else stops or removes it while the drill watches is told as such, and not as a crash: the
engine's own events say whether anybody asked for an end.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from leakdrill.agent.client import AgentClient
from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.meters.disk_inside import DiskInsideMeter
from leakdrill.meters.service import ServiceMeter
from leakdrill.record.events import TargetLeave, TargetReady, TargetRestart, TargetStart
from leakdrill.record.undo import take_back
from leakdrill.targets.base.placeholders import fill
from leakdrill.targets.base.readiness import Readiness
from leakdrill.targets.base.recorded import RecordedTarget, given_limits
from leakdrill.targets.docker.agent import pid_inside, sockets_of
from leakdrill.targets.docker.engine import connect, where
from leakdrill.targets.docker.engine_container import EngineContainer
from leakdrill.targets.docker.execute import execute_inside
from leakdrill.targets.docker.existing_undo import UNDO, engine_settings, requests_off, token_of
from leakdrill.targets.docker.found import address_of, find_container, port_inside
from leakdrill.targets.docker.load_workers import ContainerWorkers
from leakdrill.targets.docker.meters import container_meters
from leakdrill.targets.docker.remote_engine import engine_host
from leakdrill.targets.docker.watched_container import WatchedContainer
from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import psutil
    from docker import DockerClient
    from docker.models.containers import Container

    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.meters.meter import Meter
    from leakdrill.record.journal import Entry
    from leakdrill.scenario.leaks import Leak
    from leakdrill.scenario.target import ContainerForm, ProcessTarget


class ExistingContainer(RecordedTarget):
    """The container that `container.existing` names; the arguments are those of every target.

    Args:
        spec: names it.
        token: not used: a container that was there before the run knows no token of it.
        leaks: what is switched off at the end, whatever happens.
        run: as for every target.

    Raises:
        BadInput: when `spec` names no container.
        EnvironmentProblem: when no engine answers.
    """

    _undo: ClassVar = UNDO
    _running: WatchedContainer | None = None

    def __init__(self, spec: ProcessTarget, *, token: str, leaks: Sequence[Leak] = (), **run: Any) -> None:
        del token
        if spec.container is None or spec.container.existing is None:
            raise BadInput(f"target '{spec.name}' names no container; expected target.container: NAME")
        super().__init__(spec, token="", **run)
        self.form: ContainerForm = spec.container
        self._called = spec.container.existing
        self._leaks = leaks
        self._client: DockerClient = connect(self.form.engine)
        self._host = engine_host(self._client)
        self._made = EngineContainer(self._client, target=spec.name, host=self._host)
        self._port = self.form.port
        self._base_url = ""

    @property
    def base_url(self) -> str:
        """Where it answers."""
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
        if self.cgroup is not None:
            return ()
        where_it_is = f"on {self._host}" if self._host else "not on this machine"
        return (f"the engine's control groups are {where_it_is}: memory is read once a second",)

    def start(self) -> None:
        """Find it and its address, and return when it answers.

        Raises:
            ContainerGone: when it is not there, or does not run.
            BadInput: when its port cannot be told or reached, or its limits are not those of the scenario.
            TargetNotReady: when it does not answer.
        """
        container = find_container(self._client, self._called)
        self._made.adopt(container)
        found = {"image": str(container.attrs["Config"]["Image"]), "container": str(container.name)}
        with self._recorder.act(TargetStart(more=found)):
            self._check_limits(container)
            self._port = port_inside(container, self.form)
            self._base_url = "http://" + address_of(container, self._port, host=self._host)
            self._token = token_of(container)
            self._log_keeper.start()
            if self._leaks:
                self._journal.done(self._plan("container leaks", port=self._port, off=requests_off(self._leaks)))
            self._follow()

    def stop(self) -> None:
        """Switch off what leaks and put back what was changed; the container goes on."""
        if self._running:
            self._running.let_go()
        with self._recorder.act(TargetLeave()) as note:
            reasons = [reason for entry in self._pending() if (reason := take_back(self._journal, entry, self._undo))]
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
            stop_s = round(self.spec.stop_timeout)
            self._made.ask(lambda: self.container.restart(timeout=stop_s), "restart it")
            if self._running:
                self._running.join()
            self._made.ask(self.container.reload, "describe it")
            address = "http://" + address_of(self.container, self._port, host=self._host)
            if address != self._base_url:
                raise EnvironmentProblem(
                    f"container {self.container.name} answers at {address} after the restart, and no more at "
                    f"{self._base_url}, where the load goes",
                    hint=f"publish port {self._port} on a fixed port of this machine, not on any that is free",
                )
            self._follow()

    def set_limits(self, *, memory_bytes: int | None, cpus: float | None) -> Sequence[str]:
        """Change the limits that are given, until the end of the drill; the engine enforces them at once.

        Raises:
            BadInput: when it has no such limit now: the engine cannot take one away again.
            EnvironmentProblem: when the engine refuses.
        """
        wanted = given_limits(memory_bytes, cpus)
        self._made.ask(self.container.reload, "describe it")
        settings = engine_settings(self.container.attrs, wanted)
        if settings.get("mem_limit") == 0:
            raise BadInput(
                f"container {self.container.name} has no memory limit, and the engine cannot take one away again; "
                "expected one that is started with a limit"
            )
        entry = self._plan("container limits", settings=settings)
        self._made.change_limits(wanted)
        self._journal.done(entry)
        self._now_limited(wanted)
        return ()

    def execute(self, command: Sequence[str], *, output: Path, timeout_s: float) -> int:
        """Run `command` in the container, its output into `output`; raises BadInput, and as `execute_inside` does."""
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
        sockets = sockets_of(find_container(self._client, self._called).attrs)
        if sockets is None or self._host is not None:
            raise EnvironmentProblem(
                "no agent was asked: the container ran already, and was started without it",
                hint="in pytest, leak_agent(container) before it starts brings it in",
            )
        return AgentClient(sockets, pids=self.pids, inside=pid_inside)

    def meters(self) -> Sequence[Meter]:
        """What can be read of it; known after `start`."""
        meters = [*container_meters(self._made, disk_inside=None)]
        if "disk" in self.form.model_fields_set:
            meters.append(DiskInsideMeter(partial(self._made.disk_free, self.form.disk)))
        if self.spec.metrics:
            meters.append(ServiceMeter(self.base_url + self.spec.metrics))
        return meters

    def _plan(self, kind: str, **data: Any) -> Entry:
        container = self.container
        return self._journal.plan(
            kind, part=self._part, name=container.name, container=container.id, engine=where(self._client), **data
        )

    def _check_limits(self, container: Container) -> None:
        """Refuse a scenario whose limit is not the container's: nobody sets it here."""
        wanted, has = self.spec.limits.memory, container.attrs["HostConfig"]["Memory"]
        if wanted is not None and wanted != has:
            raise BadInput(
                f"target.limits.memory: found {show_size(wanted)}; container {container.name} has "
                f"{show_size(has) if has else 'no memory limit'}, and it is used as it is",
                hint="leave target.limits out, or start the container with this limit",
            )

    def _follow(self) -> None:
        """Take up with the start that is there now, and return when it answers."""
        running = self._running = self._made.ask(
            lambda: WatchedContainer(self.container, log=self.log, recorder=self._recorder, client=self._client),
            "let it be watched",
        )
        ready = self.spec.ready
        took_s = Readiness(
            subject=f"target '{self.name}' (container {self.container.name})",
            url=self.base_url + ready.path,
            timeout_s=ready.timeout,
            exit_status=lambda: running.exit_status,
            log=self.log,
            log_start=self.log.stat().st_size if self.log.exists() else 0,
        ).wait()
        self._recorder.record(TargetReady(process=float(self._made.first_pid or 0), took_s=round(took_s, 3)))
