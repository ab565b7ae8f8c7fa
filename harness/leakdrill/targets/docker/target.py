"""A container as the target: with the engine's limits, published on loopback only, and gone without a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from leakdrill.agent.client import AgentClient
from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.machine import undo as machine
from leakdrill.machine.disk import make_disk
from leakdrill.machine.listening import listens_elsewhere
from leakdrill.targets.base.object_name import object_name
from leakdrill.targets.base.owned import OwnedTarget
from leakdrill.targets.base.placeholders import fill
from leakdrill.targets.docker import undo as docker
from leakdrill.targets.docker.agent import AgentMount, pid_inside
from leakdrill.targets.docker.container import RunningContainer
from leakdrill.targets.docker.engine import connect, own_labels, where
from leakdrill.targets.docker.engine_container import EngineContainer
from leakdrill.targets.docker.execute import execute_inside
from leakdrill.targets.docker.gpus import gpus_given
from leakdrill.targets.docker.image import ready_image
from leakdrill.targets.docker.load_workers import ContainerWorkers
from leakdrill.targets.docker.meters import container_meters
from leakdrill.targets.docker.options import SCENARIO_DIR, platform_options, remote_disk, shared_folders
from leakdrill.targets.docker.remote_engine import engine_host, reachable, send

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import psutil
    from docker import DockerClient
    from docker.models.containers import Container

    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.meters.meter import Meter
    from leakdrill.scenario.target import ContainerForm, ProcessTarget


class DockerTarget(OwnedTarget):
    """The target `spec` in a container, as its `container` form says; the arguments are those of every target.

    Raises:
        BadInput: when `spec` has no form of a container.
        EnvironmentProblem: when no engine answers.
    """

    _undo: ClassVar = {**machine.UNDO, **docker.UNDO}
    part_types: ClassVar[Sequence[type]] = (EngineContainer,)
    _running: RunningContainer | None = None
    _agent: AgentMount | None = None

    def __init__(self, spec: ProcessTarget, **run: Any) -> None:
        if spec.container is None:
            raise BadInput(
                f"target '{spec.name}' has no `container`; expected one for a drill on Docker",
                hint="target.container: {image: NAME, port: 8000} says which image runs it",
            )
        super().__init__(spec, **run)
        self.form: ContainerForm = spec.container
        self._client: DockerClient = connect()
        self._host = engine_host(self._client)
        self._made = EngineContainer(self._client, target=spec.name, host=self._host)
        self._address = reachable(self.form, self._host)
        self._image = self.form.image

    @property
    def parts(self) -> Sequence[object]:
        """Its container, whose share of the cores can be changed."""
        return (self._made,)

    @property
    def base_url(self) -> str:
        """Where it answers; the same over restarts."""
        return f"http://{self._address}:{self.port}"

    @property
    def disk_inside(self) -> str | None:
        """Where its disk lies inside, when only commands inside reach it; None when `file` does."""
        return self.form.disk if self._host else None

    def start(self) -> None:
        """Make its image, disk and container, start it, and return when it is ready; raises as every target does."""
        super().start()
        if self.cgroup is None:
            where_it_is = f"on {self._host}" if self._host else "not on this machine"
            self._notices.append(f"the engine's control groups are {where_it_is}: memory is read once a second")

    @property
    def addresses_inside(self) -> list[str]:
        """Where it answers on its network, such as `172.17.0.3:8000`; empty while it has no address there."""
        return self._made.addresses(self.form.port)

    def load_workers(self, addresses: Callable[[], Sequence[str]] | None = None) -> ContainerWorkers:
        """The network of its container, as the place of a load's workers, which send to `addresses`, or else to it."""
        return ContainerWorkers(
            self._client,
            run_id=self._run_id,
            journal=self._journal,
            neighbour=lambda: self.container,
            addresses=addresses or (lambda: self.addresses_inside),
        )

    def execute(self, command: Sequence[str], *, output: Path, timeout_s: float) -> int:
        """Run `command` in the container, its output into `output`; raises BadInput, and as `execute_inside` does."""
        argv = self._filled(command, "exec.command", pid="1")
        return execute_inside(self.container, argv, output=output, timeout_s=timeout_s)

    @property
    def pid(self) -> int | None:
        """Its first process, as this machine numbers it; None when it does not run, or not here."""
        return self._made.first_pid if self._running and self._running.exit_status is None and self.cgroup else None

    @property
    def cgroup(self) -> Cgroup | None:
        """Its control group on this machine; None when it does not run, or elsewhere."""
        return self._made.cgroup

    @property
    def container(self) -> Container:
        """It, as the engine knows it. Raises EnvironmentProblem before `start`."""
        return self._made.container

    def processes(self) -> Sequence[psutil.Process]:
        """Its processes now. Raises EnvironmentProblem where the engine runs elsewhere."""
        return self._made.processes()

    def pids(self) -> list[int]:
        """Its processes, as this machine numbers them; none where the engine runs elsewhere."""
        return self._made.pids()

    def stop(self) -> None:
        """Remove the container and its disk; does nothing when they are gone."""
        super().stop()
        self._client.close()

    def file(self, path: str) -> Path:
        """Where `path` (`{disk}/…`, as the container sees it, or relative to the disk) lies on this machine.

        Raises:
            BadInput: when that is outside of the disk.
            EnvironmentProblem: before `start`.
        """
        if self._host:
            raise EnvironmentProblem(f"{path}: the files of target '{self.name}' lie on {self._host}, with the engine")
        return super().file(path.removeprefix(self.form.disk.rstrip("/") + "/"))

    def bring_agent(self, folder: Path) -> AgentClient:
        """Have every Python that starts in it from now on answer in `folder`, which is private; who asks them.

        Raises:
            EnvironmentProblem: when the folder cannot be made.
        """
        if self._host:
            raise EnvironmentProblem(
                f"no agent was asked: the engine runs on {self._host}, and sockets do not reach there"
            )
        self._agent = AgentMount(folder)
        return AgentClient(self._agent.sockets, pids=self.pids, inside=pid_inside)

    def _prepare(self) -> Mapping[str, str]:
        self._image = ready_image(self._client, self.form, scenario_dir=self._scenario_dir)
        return {"image": self.form.image}

    def _make(self) -> None:
        if self._host is None:
            self.disk, notices = make_disk(self._base, self.spec.limits.disk, self._journal, part=self._part)
            self._notices += notices
            self.disk.open_to_everyone()
        elif self.spec.limits.disk:
            self._notices.append("the disk is a tmpfs on the engine's machine: its files count as the target's memory")
        self._create()

    def _create(self) -> None:
        name = f"{self._base.name}-{object_name(self.name)}"
        engine = where(self._client)
        entry = self._journal.plan("container", part=self._part, name=name, run_id=self._run_id, engine=engine)
        self._journal.done(entry, id=self._made.make(self._image, self._options(name)))
        if self._host:
            self._made.ask(lambda: send(self.container, self._scenario_dir, SCENARIO_DIR), "take the scenario's folder")

    def _launch(self) -> None:
        log_start = self._log_size()
        with gpus_given(self.spec.gpu, self.name):
            self._made.start()
        self._running = RunningContainer(self.container, log=self.log, recorder=self._recorder)
        called = f"container {self.container.short_id}"
        self._await(self._running, called=called, pid=self.pid, log_start=log_start)

    def _halt(self) -> None:
        if self._running:
            self._running.asked = True
        self._made.stop(self.spec.stop_timeout)
        if self._running:
            self._running.join()

    def _replace(self) -> None:
        self._end("container")  # the engine does not change the environment of one that is there
        self._create()

    def _limit(self, wanted: Mapping[str, float]) -> Sequence[str]:
        self._made.change_limits(wanted)
        return ()  # the engine enforces limits at once, and refuses less memory than is in use

    def _elsewhere(self) -> str:
        return listens_elsewhere(self.pids(), self.form.port, from_outside=True) if self.pids() else ""

    def _own_meters(self) -> Sequence[Meter]:
        return container_meters(self._made, disk_inside=self.disk_inside)

    def _options(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "command": self._command(),
            "environment": self._environment(),
            **platform_options(self.spec, self.form, labels=self._labels(), port=self.port),
            **self._files(),
        }

    def _labels(self) -> dict[str, str]:
        return own_labels(self._run_id, self._journal.mark)

    def _files(self) -> dict[str, Any]:
        if self._host:
            return remote_disk(self.form, self.spec.limits.disk, labels=self._labels())
        return shared_folders(self.form, scenario_dir=self._scenario_dir, disk=self.disk, agent=self._agent)

    def _command(self) -> list[str] | None:
        """What the container runs: its own words, else those of the process, seen from inside; None for the image's."""
        words = self.form.command
        return None if words is None else [fill(w, self._values(), place="target.container.command") for w in words]

    def _environment(self) -> dict[str, str]:
        own = super()._environment()
        agent = self._agent.environment({**self._made.image_environment(self._image), **own}) if self._agent else {}
        return {**own, **agent}

    def _values(self) -> dict[str, str]:
        return {"python": "python", "port": str(self.form.port), "disk": self.form.disk, "scenario_dir": SCENARIO_DIR}
