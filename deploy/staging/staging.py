"""The staging stack as a whole: built, up, healthy; and gone, with its networks and volumes."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.targets.compose.cli import Compose
from leakdrill.targets.compose.file import needed
from leakdrill.targets.compose.replicas import PROJECT_LABEL, SERVICE_LABEL
from leakdrill.targets.docker.engine import connect
from leakdrill.wait import TimedOut, wait_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docker import DockerClient

PROJECT: Final = "leakdrill"

_SOCKET: Final = Path("/var/run/docker.sock")
_HEALTHY_TIMEOUT_S: Final = 180.0
_BUILD_TIMEOUT_S: Final = 1800.0
_LAST_LINES: Final = 5


def bring_up(file: Path, *, project: str = PROJECT, services: Sequence[str] = ()) -> list[str]:
    """Build and start `services` of `file`, or all, and return when they are healthy: one line each, with its address.

    Raises:
        EnvironmentProblem: when compose fails, or a service does not become healthy; with its last lines.
    """
    compose = _compose(file, project)
    compose.run("build", *_with_a_build(compose, services), timeout_s=_BUILD_TIMEOUT_S)
    compose.run("up", "--detach", *services)
    with contextlib.closing(connect()) as client:
        try:
            wait_for(
                lambda: _settled(client, project), what="a healthy stack", timeout_s=_HEALTHY_TIMEOUT_S, every_s=0.5
            )
        except TimedOut as e:
            raise EnvironmentProblem(f"{e}; not there yet: {'; '.join(_failures(client, project))}") from e
        failures = _failures(client, project)
        if failures:
            raise EnvironmentProblem(f"the stack is not healthy: {'; '.join(failures)}")
        return sorted(_line(container.attrs) for container in _containers(client, project))


def build_images(file: Path, services: Sequence[str]) -> None:
    """Build the images of `services` of `file`, and start nothing.

    Raises:
        EnvironmentProblem: when there is no compose program, or it fails.
    """
    _compose(file, PROJECT).run("build", *services, timeout_s=_BUILD_TIMEOUT_S)


def take_down(file: Path, *, project: str = PROJECT) -> None:
    """Remove the containers, networks and volumes of the project; images stay.

    Raises:
        EnvironmentProblem: when compose fails.
    """
    _compose(file, project).run("down", "--volumes", "--remove-orphans", "--timeout", "3")


def _compose(file: Path, project: str) -> Compose:
    # The exporter is an ordinary user: it may use the engine's socket as a member of the socket's group.
    group = {"DOCKER_GID": str(_SOCKET.stat().st_gid)} if _SOCKET.exists() else {}
    return Compose(file, project=project, env={**group, **os.environ})


def _with_a_build(compose: Compose, services: Sequence[str]) -> list[str]:
    """Returns the services to build: all that have a build, or of `services` and what they depend on."""
    known: dict[str, dict[str, Any]] = compose.config()["services"]
    chosen = needed(known, services) if services else list(known)
    return [name for name in chosen if "build" in known[name]]


def _containers(client: DockerClient, project: str) -> list[Any]:
    return list(client.containers.list(all=True, filters={"label": f"{PROJECT_LABEL}={project}"}))


def _settled(client: DockerClient, project: str) -> bool:
    """Whether all containers are healthy, or one of them has failed for good."""
    states = [container.attrs["State"] for container in _containers(client, project)]
    failed = any(
        _unhealthy(state) and (state["Status"] == "exited" or _health(state) == "unhealthy") for state in states
    )
    return bool(states) and (failed or not any(map(_unhealthy, states)))


def _health(state: dict[str, Any]) -> str:
    status: str = state.get("Health", {}).get("Status", "")
    return status


def _unhealthy(state: dict[str, Any]) -> bool:
    """Whether a container is neither healthy, nor running without a health check, nor finished with exit code 0."""
    if state["Status"] == "exited":
        return bool(state["ExitCode"])
    return state["Status"] != "running" or _health(state) not in ("", "healthy")


def _failures(client: DockerClient, project: str) -> list[str]:
    failures = []
    for container in _containers(client, project):
        state = container.attrs["State"]
        if _unhealthy(state):
            status = _health(state) or f"{state['Status']}, exit code {state['ExitCode']}"
            last_lines = container.logs(tail=_LAST_LINES).decode(errors="replace").strip()
            failures.append(f"{container.labels.get(SERVICE_LABEL)} ({status}): {last_lines}")
    return failures


def _line(attrs: dict[str, Any]) -> str:
    """Returns one line: a service, its state, and its addresses on this machine."""
    addresses = [
        f"http://{binding['HostIp']}:{binding['HostPort']}"
        for bindings in attrs["NetworkSettings"]["Ports"].values()
        for binding in bindings or []
    ]
    state = attrs["State"]
    status = _health(state) or state["Status"]
    return f"{attrs['Config']['Labels'][SERVICE_LABEL]:<14} {status:<8} {' '.join(sorted(addresses))}".rstrip()
