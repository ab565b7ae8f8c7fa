"""The container of one target on its engine: made, started, changed and ended."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, TypeVar, cast

import psutil

from leakdrill.errors import EnvironmentProblem
from leakdrill.targets.docker import limits as engine_limits
from leakdrill.targets.docker.container import cgroup_of, engine_errors
from leakdrill.targets.docker.load_workers import network_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from docker import DockerClient
    from docker.models.containers import Container

    from leakdrill.machine.cgroup import Cgroup

T = TypeVar("T")


class EngineContainer:
    """The container of the target called `target`.

    Args:
        client: of the engine.
        target: whose it is, for messages.
        host: the machine that the engine runs on; None for this one.
    """

    def __init__(self, client: DockerClient, *, target: str, host: str | None) -> None:
        self._client = client
        self._target = target
        self._host = host
        self._container: Container | None = None

    @property
    def container(self) -> Container:
        """It, as the engine's client knows it. Raises EnvironmentProblem before `make`."""
        if self._container is None:
            raise EnvironmentProblem(f"target '{self._target}' has no container yet; expected it to be started")
        return self._container

    @property
    def known_as(self) -> Mapping[str, str]:
        """Its name, by which programs on this machine call it. Raises EnvironmentProblem before `make`."""
        return {"container": str(self.container.name)}

    def make(self, image: str, options: Mapping[str, Any]) -> str:
        """Make it, in the place of an earlier one, and return its id. Raises EnvironmentProblem as `ask` does."""
        self._container = self.ask(lambda: self._client.containers.create(image, **options), "make it")
        return str(self._container.id)

    def adopt(self, container: Container) -> None:
        """Take `container`, which somebody else has made."""
        self._container = container

    def start(self) -> None:
        """Start it. Raises EnvironmentProblem when the engine refuses."""
        self.ask(self.container.start, "start it")
        self.ask(self.container.reload, "describe it")

    def stop(self, timeout_s: float) -> None:
        """End it, killed after `timeout_s`. Raises EnvironmentProblem when the engine refuses."""
        self.ask(lambda: self.container.stop(timeout=round(timeout_s)), "stop the container")

    def change_limits(self, wanted: Mapping[str, float]) -> None:
        """Change its limits at once. Raises EnvironmentProblem for less memory than is in use."""
        changes = engine_limits.limits(wanted.get("memory"), wanted.get("cpus"))
        self.ask(lambda: self.container.update(**changes), "change the limits")

    def share_cpus(self, *, shares: int | None, cores: str | None) -> None:
        """Change its weight and its cores; the engine enforces them at once.

        Raises:
            EnvironmentProblem: when it does not run, or the engine refuses, as it does for cores that are not there.
        """
        changes = engine_limits.shared_cpus(shares, cores)
        self.ask(lambda: self.container.update(**changes), "change its share of the cores")

    def image_environment(self, image: str) -> dict[str, str]:
        """The environment that `image` brings. Raises EnvironmentProblem when the engine does not describe it."""
        attrs = self.ask(lambda: self._client.images.get(image), "describe the image").attrs
        return dict(pair.split("=", 1) for pair in attrs["Config"]["Env"] or ())

    def addresses(self, port: int) -> list[str]:
        """Where `port` of it is reached on its network, such as `172.17.0.3:8000`; empty while it has no address."""
        address = network_of(self.container)[1]
        return [f"{address}:{port}"] if address else []

    def disk_free(self, path: str) -> bytes:
        """What `df` says of `path` inside. Raises OSError when the engine does not answer."""
        try:
            return cast("bytes", self.container.exec_run(["df", "-Pk", path]).output)
        except engine_errors() as e:
            raise OSError(str(e)) from e

    @property
    def first_pid(self) -> int | None:
        """Its first process, as the engine's machine numbers it; None when it does not run."""
        return self._container.attrs["State"]["Pid"] or None if self._container else None

    @property
    def cgroup(self) -> Cgroup | None:
        """Its control group on this machine; None when it does not run, or elsewhere."""
        pid = self.first_pid
        return cgroup_of(pid, str(self.container.id)) if pid and self._host is None else None

    def pids(self) -> list[int]:
        """Its processes, as this machine numbers them; none where the engine runs elsewhere."""
        cgroup = self.cgroup
        return cgroup.pids() if cgroup else []

    def processes(self) -> Sequence[psutil.Process]:
        """Its processes now.

        Raises:
            EnvironmentProblem: when the engine runs elsewhere, and they are not this machine's.
        """
        if self._host:
            raise EnvironmentProblem(f"the processes of target '{self._target}' run on {self._host}, with the engine")
        running = []
        for pid in self.pids():
            with contextlib.suppress(psutil.NoSuchProcess):
                running.append(psutil.Process(pid))
        return running

    def ask(self, request: Callable[[], T], action: str) -> T:
        """The answer of the engine to `request`. Raises EnvironmentProblem when it refuses the `action`."""
        try:
            return request()
        except engine_errors() as e:
            raise EnvironmentProblem(f"target '{self._target}': the engine did not {action}: {e}") from e
