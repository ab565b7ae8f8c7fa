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
            raise EnvironmentProblem(f"{e}; not there yet: {'; '.join(_ailing(client, project))}") from e
        ailing = _ailing(client, project)
        if ailing:
            raise EnvironmentProblem(f"the stack is not healthy: {'; '.join(ailing)}")
        return sorted(_line(container.attrs) for container in _containers(client, project))


def build_images(file: Path, services: Sequence[str]) -> None:
    """Build the images of `services` of `file`, and start nothing.

    Raises:
        EnvironmentProblem: when there is no compose program, or it fails.
    """
    _compose(file, PROJECT).run("build", *services, timeout_s=_BUILD_TIMEOUT_S)


def take_down(file: Path, *, project: str = PROJECT) -> None:
    """Remove its containers, networks and volumes; images stay, as an input does.

    Raises:
        EnvironmentProblem: when compose fails.
    """
    _compose(file, project).run("down", "--volumes", "--remove-orphans", "--timeout", "3")


def _compose(file: Path, project: str) -> Compose:
    # The exporter is an ordinary user: it may use the engine's socket as a member of the socket's group.
    group = {"DOCKER_GID": str(_SOCKET.stat().st_gid)} if _SOCKET.exists() else {}
    return Compose(file, project=project, env={**group, **os.environ})


def _with_a_build(compose: Compose, services: Sequence[str]) -> list[str]:
    """Those to build: all that have a build, and with a choice of services those that it needs."""
    found: dict[str, dict[str, Any]] = compose.config()["services"]
    chosen = needed(found, services) if services else list(found)
    return [name for name in chosen if "build" in found[name]]


def _containers(client: DockerClient, project: str) -> list[Any]:
    return list(client.containers.list(all=True, filters={"label": f"{PROJECT_LABEL}={project}"}))


def _settled(client: DockerClient, project: str) -> bool:
    """Whether all of them are well, or one of them will not become so."""
    states = [container.attrs["State"] for container in _containers(client, project)]
    lost = any(_ails(state) and (state["Status"] == "exited" or _health(state) == "unhealthy") for state in states)
    return bool(states) and (lost or not any(map(_ails, states)))


def _health(state: dict[str, Any]) -> str:
    found: str = state.get("Health", {}).get("Status", "")
    return found


def _ails(state: dict[str, Any]) -> bool:
    """Whether it is neither healthy, nor running without a health check, nor done."""
    if state["Status"] == "exited":
        return bool(state["ExitCode"])
    return state["Status"] != "running" or _health(state) not in ("", "healthy")


def _ailing(client: DockerClient, project: str) -> list[str]:
    told = []
    for container in _containers(client, project):
        state = container.attrs["State"]
        if _ails(state):
            how = _health(state) or f"{state['Status']}, exit code {state['ExitCode']}"
            said = container.logs(tail=_LAST_LINES).decode(errors="replace").strip()
            told.append(f"{container.labels.get(SERVICE_LABEL)} ({how}): {said}")
    return told


def _line(attrs: dict[str, Any]) -> str:
    """A service, its state, and where it answers."""
    bound = [
        f"http://{place['HostIp']}:{place['HostPort']}"
        for places in attrs["NetworkSettings"]["Ports"].values()
        for place in places or []
    ]
    state = attrs["State"]
    how = _health(state) or state["Status"]
    return f"{attrs['Config']['Labels'][SERVICE_LABEL]:<14} {how:<8} {' '.join(sorted(bound))}".rstrip()
