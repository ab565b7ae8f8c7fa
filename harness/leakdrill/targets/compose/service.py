"""A service of a compose project as a drill sees it, whoever brought it up: where it answers, what can be read."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.meters.docker_stats_of_replicas import ReplicaStatsMeter
from leakdrill.meters.of_processes import process_meters
from leakdrill.meters.pods import PodsMeter
from leakdrill.meters.replica_requests import ReplicaRequests
from leakdrill.meters.service import ServiceMeter
from leakdrill.record.events import ReplicaResources, TargetReady, TargetRestart
from leakdrill.targets.base.placeholders import fill
from leakdrill.targets.base.readiness import Readiness
from leakdrill.targets.base.recorded import RecordedTarget
from leakdrill.targets.compose.replicas import Replicas
from leakdrill.targets.compose.undo import UNDO
from leakdrill.targets.docker.container import engine_errors
from leakdrill.targets.docker.engine import connect
from leakdrill.targets.docker.execute import execute_inside
from leakdrill.targets.docker.load_workers import ContainerWorkers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    import psutil
    from docker import DockerClient
    from docker.models.containers import Container

    from leakdrill.meters.meter import Meter
    from leakdrill.scenario.compose import ComposeForm
    from leakdrill.scenario.target import ProcessTarget


class ComposeService(RecordedTarget):
    """The replicas of one service, reached through the project's entrance or directly.

    The arguments are those of every target.

    Raises:
        BadInput: when `spec` names no service.
        EnvironmentProblem: when no engine answers.
    """

    _undo = UNDO

    def __init__(self, spec: ProcessTarget, *, run_dir: Path, **run: Any) -> None:
        if spec.compose is None:
            raise BadInput(
                f"target '{spec.name}' has no `compose`; expected one for a drill on a compose file",
                hint="target.compose: {file: docker-compose.yml, service: NAME} says which service it is",
            )
        super().__init__(spec, run_dir=run_dir, **run)
        self.form: ComposeForm = spec.compose
        self._client: DockerClient = connect()
        self._run_dir = run_dir.resolve()
        self._base_url = ""
        self._replicas: Replicas | None = None

    @property
    def base_url(self) -> str:
        """Where it answers: at the entrance, where there is one; the same over restarts."""
        return self._base_url

    def notices(self) -> Sequence[str]:
        """What cannot be enforced or read here, one sentence each; known after `start`."""
        if self._given().cgroups():
            return ()
        return ("the engine's control groups are not on this machine: memory is read once a second",)

    @property
    def pid(self) -> int | None:
        """The first process of its first replica, as this machine numbers it; None when none runs here."""
        return next(iter(self._given().pids()), None)

    def processes(self) -> Sequence[psutil.Process]:
        """The processes of all replicas; none where the engine runs elsewhere."""
        return self._given().processes()

    def replica_urls(self) -> Sequence[str]:
        """Where each replica answers by itself."""
        return list(self._given().urls().values())

    def restart(self) -> None:
        """Restart every replica: same containers, same limits.

        Raises:
            EnvironmentProblem: when the engine refuses.
            TargetNotReady: when one does not come back.
        """
        with self._recorder.act(TargetRestart()):
            replicas = self._given()
            replicas.expect_end()
            for container in replicas.containers():
                self._ask(partial(container.restart, timeout=round(self.spec.stop_timeout)), "restart it")
            replicas.join()  # a follower that has not heard of the end yet would take the new start for the old one
            self._follow()

    def execute(self, command: Sequence[str], *, output: Path, timeout_s: float) -> int:
        """Run `command` in the first replica; its output goes to `output`.

        Raises:
            BadInput: for a placeholder that is not there.
            EnvironmentProblem: when the engine refuses, or it ran for longer than `timeout_s`.
        """
        return self._execute(self._given(), command, output, timeout_s)

    def execute_beside(self, service: str, command: Sequence[str], *, output: Path, timeout_s: float) -> int:
        """Run `command` in the first container of another service of the project; likewise."""
        return self._execute(self._of(service), command, output, timeout_s)

    @property
    def known_as(self) -> Mapping[str, str]:
        """The name of the container of its first replica."""
        return {"container": str(self._first_of(self.form.service).name)}

    def load_workers(self) -> ContainerWorkers:
        """The network of what the load goes to, as the place of its workers, which call it by its name."""
        form = self.form
        door, port = (form.entrance, form.entrance_port) if form.entrance else (form.service, form.port)
        return ContainerWorkers(
            self._client,
            run_id=self._run_id,
            journal=self._journal,
            neighbour=lambda: self._first_of(door),
            addresses=lambda: [f"{door}:{port}"],
        )

    def meters(self) -> Sequence[Meter]:
        """What can be read: of all replicas together, and of each beside it; known after `start`."""
        replicas = self._given()
        if replicas.cgroups():
            meters: list[Meter] = [
                *process_meters(replicas.pids, lambda: replicas.cgroups().values()),
                PodsMeter(replicas.cgroups, report=self._note_reading),
            ]
        else:
            meters = [ReplicaStatsMeter(replicas.containers, errors=engine_errors())]
        if self.spec.metrics:
            meters += [
                ServiceMeter(self.base_url + self.spec.metrics, access=self.access),
                ReplicaRequests(replicas.urls, self.spec.metrics, access=self.access),
            ]
        return meters

    def _project(self) -> str:
        raise NotImplementedError

    def _of(self, service: str) -> Replicas:
        return Replicas(
            self._client,
            project=self._project(),
            service=service,
            port=self.form.port,
            log=self.log,
            recorder=self._recorder,
            access=self.access,
        )

    def _execute(self, where: Replicas, command: Sequence[str], output: Path, timeout_s: float) -> int:
        values = {"python": "python", "port": str(self.form.port), "pid": "1", "disk": "/data"}
        argv = [fill(word, values, place=f"exec.command[{i}]") for i, word in enumerate(command)]
        running: list[Container] = where.containers()
        if not running:
            raise EnvironmentProblem(f"target '{self.name}': no container runs in which {argv[0]} could")
        return execute_inside(running[0], argv, output=output, timeout_s=timeout_s)

    def _first_of(self, service: str) -> Container:
        running = self._of(service).containers()
        if not running:
            raise EnvironmentProblem(f"target '{self.name}': no container of {service} runs; expected one")
        return running[0]

    def _follow(self) -> None:
        """Take up with the containers that are there now, and return when they and the entrance answer."""
        replicas = self._given()
        replicas.follow()
        ready = self.spec.ready
        took_s = replicas.wait_ready(ready.path, timeout_s=ready.timeout)
        took_s += Readiness(
            subject=f"target '{self.name}'",
            url=self.base_url + ready.path,
            timeout_s=ready.timeout,
            exit_status=lambda: None,
            log=self.log,
            access=self.access,
        ).wait()
        serving = float(len(replicas.urls()))
        self._recorder.record(TargetReady(took_s=round(took_s, 3), replicas=serving, process=float(self.pid or 0)))

    def _note_reading(self, replica: str, values: dict[str, float]) -> None:
        self._recorder.record(replace(ReplicaResources.of(values), replica=replica))

    def _given(self) -> Replicas:
        if self._replicas is None:
            raise EnvironmentProblem(f"target '{self.name}' has no containers yet; expected it to be started")
        return self._replicas

    def _ask(self, request: Callable[[], Any], action: str) -> Any:
        try:
            return request()
        except engine_errors() as e:
            raise EnvironmentProblem(f"target '{self.name}': the engine did not {action}: {e}") from e
