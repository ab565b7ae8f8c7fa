"""A container as the target: with the engine's limits, published on loopback only, and gone without a trace."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

import psutil

from leakdrill.agent.client import AgentClient
from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.machine import undo as machine
from leakdrill.machine.disk import make_disk
from leakdrill.meters.cgroup import CgroupMeter
from leakdrill.meters.cgroup_after_restart import CgroupAfterRestart
from leakdrill.meters.disk_inside import DiskInsideMeter
from leakdrill.meters.docker_stats import DockerStatsMeter
from leakdrill.meters.process import ProcessTreeMeter, SmapsMeter
from leakdrill.targets.base.owned import OwnedTarget
from leakdrill.targets.base.placeholders import fill
from leakdrill.targets.docker import limits as engine_limits
from leakdrill.targets.docker import undo as docker
from leakdrill.targets.docker.agent import AgentMount, pid_inside
from leakdrill.targets.docker.container import RunningContainer, cgroup_of, engine_errors
from leakdrill.targets.docker.engine import RUN_LABEL, connect, where
from leakdrill.targets.docker.execute import execute_inside
from leakdrill.targets.docker.gpus import cards_given, device_requests
from leakdrill.targets.docker.image import ready_image
from leakdrill.targets.docker.load_workers import ContainerWorkers, network_of
from leakdrill.targets.docker.remote_engine import engine_host, reachable, send, volume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from docker import DockerClient
    from docker.models.containers import Container

    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.meters.meter import Meter
    from leakdrill.scenario.target import ContainerForm, ProcessTarget

SCENARIO_DIR: Final = "/scenario"
"""Where the scenario's folder is seen inside, read-only: what `{scenario_dir}` means there."""


class DockerTarget(OwnedTarget):
    """The target `spec` in a container, as its `container` form says; the arguments are those of every target.

    Raises:
        BadInput: when `spec` has no form of a container.
        EnvironmentProblem: when no engine answers.
    """

    _undo: ClassVar = {**machine.UNDO, **docker.UNDO}
    _container: Container | None = None
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
        self._elsewhere = engine_host(self._client)
        self._address = reachable(self.form, self._elsewhere)
        self._image = self.form.image

    @property
    def base_url(self) -> str:
        """Where it answers; the same over restarts."""
        return f"http://{self._address}:{self.port}"

    @property
    def disk_inside(self) -> str | None:
        """Where its disk lies inside, when only commands inside reach it; None when `file` does."""
        return self.form.disk if self._elsewhere else None

    def start(self) -> None:
        """Make its image, disk and container, start it, and return when it is ready; raises as every target does."""
        super().start()
        if self.cgroup is None:
            where_it_is = f"on {self._elsewhere}" if self._elsewhere else "not on this machine"
            self._notices.append(f"the engine's control groups are {where_it_is}: memory is read once a second")

    @property
    def addresses_inside(self) -> list[str]:
        """Where it answers on its network, such as `172.17.0.3:8000`; empty while it has no address there."""
        address = network_of(self._given())[1]
        return [f"{address}:{self.form.port}"] if address else []

    def load_workers(self, addresses: Callable[[], Sequence[str]] | None = None) -> ContainerWorkers:
        """The network of its container, as the place of a load's workers.

        Args:
            addresses: where they send requests, where that is more than this one container.
        """
        return ContainerWorkers(
            self._client,
            run_id=self._run_id,
            journal=self._journal,
            neighbour=self._given,
            addresses=addresses or (lambda: self.addresses_inside),
        )

    def execute(self, command: Sequence[str], *, output: Path, timeout_s: float) -> int:
        """Run `command` in the container, in its environment and folder; its output goes to `output`.

        Raises:
            BadInput: for a placeholder that is not there.
            EnvironmentProblem: when the engine refuses, or it ran for longer than `timeout_s`.
        """
        argv = self._filled(command, "exec.command", pid="1")
        return execute_inside(self._given(), argv, output=output, timeout_s=timeout_s)

    @property
    def pid(self) -> int | None:
        """Its first process, as this machine numbers it; None when it does not run, or not here."""
        return self._pid if self._running and self._running.exit_status is None and self.cgroup else None

    @property
    def cgroup(self) -> Cgroup | None:
        """Its control group on this machine; None when it does not run, or elsewhere."""
        pid = self._pid
        here = self._container if pid and self._elsewhere is None else None
        return cgroup_of(pid, str(here.id)) if pid and here else None

    @property
    def container(self) -> Container:
        """It, as the engine knows it. Raises EnvironmentProblem before `start`."""
        return self._given()

    def processes(self) -> Sequence[psutil.Process]:
        """Its processes now.

        Raises:
            EnvironmentProblem: when the engine runs elsewhere, and they are not this machine's.
        """
        if self._elsewhere:
            raise EnvironmentProblem(f"the processes of target '{self.name}' run on {self._elsewhere}, with the engine")
        found = []
        for pid in self.pids():
            with contextlib.suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(pid))
        return found

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
        if self._elsewhere:
            raise EnvironmentProblem(
                f"{path}: the files of target '{self.name}' lie on {self._elsewhere}, with the engine"
            )
        return super().file(path.removeprefix(self.form.disk.rstrip("/") + "/"))

    def pids(self) -> list[int]:
        """Its processes, as this machine numbers them; none where the engine runs elsewhere."""
        cgroup = self.cgroup
        return cgroup.pids() if cgroup else []

    def bring_agent(self, folder: Path) -> AgentClient:
        """Have every Python that starts in it from now on answer in `folder`, which is private; who asks them.

        Raises:
            EnvironmentProblem: when the folder cannot be made.
        """
        if self._elsewhere:
            raise EnvironmentProblem(
                f"no agent was asked: the engine runs on {self._elsewhere}, and sockets do not reach there"
            )
        self._agent = AgentMount(folder)
        return AgentClient(self._agent.sockets, pids=self.pids, inside=pid_inside)

    def _prepare(self) -> Mapping[str, str]:
        self._image = ready_image(self._client, self.form, scenario_dir=self._scenario_dir)
        return {"image": self.form.image}

    def _make(self) -> None:
        if self._elsewhere is None:
            self._make_disk()
        elif self.spec.limits.disk:
            self._notices.append("the disk is a tmpfs on the engine's machine: its files count as the target's memory")
        self._create()

    def _make_disk(self) -> None:
        self.disk, notices = make_disk(self._base, self.spec.limits.disk, self._journal, part=self._part)
        self._notices += notices
        self.disk.open_to_everyone()

    def _create(self) -> None:
        name = f"{self._base.name}-{self.name}"
        engine = where(self._client)
        entry = self._journal.plan("container", part=self._part, name=name, run_id=self._run_id, engine=engine)
        self._container = self._ask(
            lambda: self._client.containers.create(self._image, **self._options(name)), "make it"
        )
        self._journal.done(entry, id=str(self._container.id))
        if self._elsewhere:
            made = self._container
            self._ask(lambda: send(made, self._scenario_dir, SCENARIO_DIR), "take the scenario's folder")

    def _launch(self) -> None:
        container, log_start = self._given(), self._log_size()
        with cards_given(self.spec.gpu, self.name):
            self._ask(container.start, "start it")
        self._ask(container.reload, "describe it")
        self._running = RunningContainer(container, log=self.log, recorder=self._recorder)
        called = f"container {container.short_id}"
        self._await(self._running, called=called, pid=self._pid, log_start=log_start)

    def _halt(self) -> None:
        if self._running:
            self._running.asked = True
        container = self._given()
        self._ask(lambda: container.stop(timeout=round(self.spec.stop_timeout)), "stop the container")
        if self._running:
            self._running.join()

    def _replace(self) -> None:
        """Another container: the engine does not change the environment of one that is there."""
        self._end("container")
        self._create()

    def _limit(self, wanted: Mapping[str, float]) -> Sequence[str]:
        """The engine enforces limits at once, and refuses less memory than is in use."""
        changes = engine_limits.limits(wanted.get("memory"), wanted.get("cpus"))
        container = self._given()
        self._ask(lambda: container.update(**changes), "change the limits")
        return ()

    def share_cpus(self, *, shares: int | None, cores: str | None) -> None:
        """Change its weight and its cores; the engine enforces them at once.

        Raises:
            EnvironmentProblem: when it does not run, or the engine refuses, as it does for cores that are not there.
        """
        container, changes = self._given(), engine_limits.shared_cpus(shares, cores)
        self._ask(lambda: container.update(**changes), "change its share of the cores")

    def _own_meters(self) -> Sequence[Meter]:
        container = self._given()
        direct = self.cgroup is not None
        engine = DockerStatsMeter(
            lambda: cast("Iterator[Mapping[str, Any]]", container.stats(stream=True, decode=True)),
            stands_in=not direct,
            errors=engine_errors(),
        )
        if self._elsewhere:
            return [engine, DiskInsideMeter(self._disk_free)]
        if not direct:
            return [engine]
        return [engine, ProcessTreeMeter(self.pids), SmapsMeter(self.pids), CgroupAfterRestart(self._cgroup_meter)]

    def _disk_free(self) -> bytes:
        container = self._given()
        try:
            return cast("bytes", container.exec_run(["df", "-Pk", self.form.disk]).output)
        except engine_errors() as e:
            raise OSError(str(e)) from e

    def _cgroup_meter(self) -> CgroupMeter | None:
        cgroup = self.cgroup
        return CgroupMeter(cgroup) if cgroup else None

    def _options(self, name: str) -> dict[str, Any]:
        labels = {RUN_LABEL: self._run_id}
        mounts = [volume(self.form, self.spec.limits.disk, labels)] if self._elsewhere else []
        return {
            "name": name,
            "command": self._command(),
            "environment": self._environment(),
            "labels": labels,
            "ports": {f"{self.form.port}/tcp": (self.form.publish, self.port)},
            "volumes": {} if self._elsewhere else self._shared(),
            "mounts": mounts,
            **engine_limits.limits(self.spec.limits.memory, self.spec.limits.cpus),
            **device_requests(self.spec.gpu),
        }

    def _shared(self) -> dict[str, dict[str, str]]:
        """The folders of this machine that the container sees."""
        volumes = {str(self._scenario_dir): {"bind": SCENARIO_DIR, "mode": "ro"}}
        if self.disk:
            volumes[str(self.disk.path)] = {"bind": self.form.disk, "mode": "rw"}
        return {**volumes, **(self._agent.volumes() if self._agent else {})}

    def _command(self) -> list[str] | None:
        """What the container runs: its own words, else those of the process, seen from inside; None for the image's."""
        words = self.form.command
        return None if words is None else [fill(w, self._values(), place="target.container.command") for w in words]

    def _environment(self) -> dict[str, str]:
        own = super()._environment()
        if self._agent is None:
            return own
        described = self._ask(lambda: self._client.images.get(self._image), "describe the image").attrs
        images = dict(pair.split("=", 1) for pair in described["Config"]["Env"] or ())
        return {**own, **self._agent.environment({**images, **own})}

    def _values(self) -> dict[str, str]:
        return {"python": "python", "port": str(self.form.port), "disk": self.form.disk, "scenario_dir": SCENARIO_DIR}

    @property
    def _pid(self) -> int | None:
        return self._container.attrs["State"]["Pid"] or None if self._container else None

    def _given(self) -> Container:
        if self._container is None:
            raise EnvironmentProblem(f"target '{self.name}' has no container yet; expected it to be started")
        return self._container

    def _ask(self, request: Any, what: str) -> Any:
        try:
            return request()
        except engine_errors() as e:
            raise EnvironmentProblem(f"target '{self.name}': the engine did not {what}: {e}") from e
