"""The containers of one service of a compose project: found by their labels, followed, reached and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import psutil

from leakdrill.errors import EnvironmentProblem
from leakdrill.machine.ports import LOOPBACK
from leakdrill.targets.base.readiness import Readiness
from leakdrill.targets.docker.container import RunningContainer, cgroup_of, engine_errors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from docker import DockerClient
    from docker.models.containers import Container

    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.machine.http_access import Access
    from leakdrill.record.recorder import Recorder

PROJECT_LABEL: Final = "com.docker.compose.project"
SERVICE_LABEL: Final = "com.docker.compose.service"
_NUMBER_LABEL: Final = "com.docker.compose.container-number"


class Replicas:
    """The running containers of `service`.

    Args:
        client: of the engine.
        project: of compose.
        service: of the project.
        port: where it listens inside.
        log: gets what they write.
        recorder: gets an end that nobody asked for.
        access: how requests to them are made.
    """

    def __init__(
        self,
        client: DockerClient,
        *,
        project: str,
        service: str,
        port: int,
        log: Path,
        recorder: Recorder,
        access: Access,
    ) -> None:
        self._client = client
        self._filters = [f"{PROJECT_LABEL}={project}", f"{SERVICE_LABEL}={service}"]
        self._service = service
        self._port = port
        self._log = log
        self._recorder = recorder
        self._access = access
        self._followed: dict[str, tuple[Container, RunningContainer]] = {}

    def follow(self) -> None:
        """Look who is there now; those that are new are followed to their end."""
        living = {key: running for key, (_, running) in self._followed.items() if running.exit_status is None}
        followed = {}
        for container in self.containers():
            running = living.get(str(container.id))
            if running is None:
                running = RunningContainer(container, log=self._log, recorder=self._recorder)
            running.asked = False  # that was said of an act which is over and did not end this one
            followed[str(container.id)] = (container, running)
        self._followed = followed

    def expect_end(self) -> None:
        """An end of any of them is our own doing from now on, until they are followed anew."""
        for _, running in self._followed.values():
            running.asked = True

    def join(self) -> None:
        """Return when the end of each is known and its last line kept."""
        for _, running in self._followed.values():
            running.join()

    def containers(self) -> list[Container]:
        """Those that run now, by their number.

        Raises:
            EnvironmentProblem: when the engine does not answer.
        """
        try:
            containers: list[Container] = self._client.containers.list(
                filters={"label": self._filters}, ignore_removed=True
            )
        except engine_errors() as e:
            raise EnvironmentProblem(f"the engine did not list the containers of {self._service}: {e}") from e
        return sorted(containers, key=lambda container: int(container.labels.get(_NUMBER_LABEL, "0")))

    def urls(self) -> dict[str, str]:
        """Where each of those that are followed answers by itself, by its name."""
        followed = [container for container, _ in list(self._followed.values())]
        return {self.name_of(c): f"http://{LOOPBACK}:{port}" for c in followed if (port := self._bound(c))}

    def wait_ready(self, path: str, *, timeout_s: float) -> float:
        """Seconds until all of them answered at `path`.

        Raises:
            TargetNotReady: when one did not in time, or ended first.
        """
        return sum(self._wait(name, url + path, timeout_s) for name, url in self.urls().items())

    def cgroups(self) -> dict[str, Cgroup]:
        """Their control groups on this machine, by name; empty where the engine runs elsewhere."""
        groups = {
            self.name_of(container): cgroup_of(container.attrs["State"]["Pid"], str(container.id))
            for container, running in list(self._followed.values())
            if running.exit_status is None
        }
        return {name: group for name, group in groups.items() if group}

    def pids(self) -> list[int]:
        """Their processes, as this machine numbers them."""
        return [pid for group in self.cgroups().values() for pid in group.pids()]

    def processes(self) -> Sequence[psutil.Process]:
        """Their processes now."""
        return [psutil.Process(pid) for pid in self.pids() if psutil.pid_exists(pid)]

    def name_of(self, container: Container) -> str:
        """What a replica is called in the record: `gateway-2`."""
        return f"{self._service}-{container.labels.get(_NUMBER_LABEL, '1')}"

    def _bound(self, container: Container) -> str | None:
        places: list[dict[str, str]] = container.attrs["NetworkSettings"]["Ports"].get(f"{self._port}/tcp") or []
        return next((place["HostPort"] for place in places), None)

    def _wait(self, name: str, url: str, timeout_s: float) -> float:
        def status() -> int | None:
            ended: list[Any] = [pair[1].exit_status for pair in self._followed.values()]
            return next((code for code in ended if code is not None), None)

        return Readiness(
            subject=f"target '{name}'",
            url=url,
            timeout_s=timeout_s,
            exit_status=status,
            log=self._log,
            access=self._access,
        ).wait()
