"""The Docker Engine that a run talks to: where it is, whether it answers, and whether it runs on this machine."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

from leakdrill.errors import EnvironmentProblem
from leakdrill.record.journal_header import MARK_LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from docker import DockerClient

_SOCKET = "unix:///var/run/docker.sock"
RUN_LABEL = "leakdrill.run"
"""Label that everything a run makes on an engine carries, with the run's id."""


def own_labels(run_id: str, mark: str) -> dict[str, str]:
    """What everything of a run carries on an engine: its id, for people, and its mark, by which it is undone."""
    return {RUN_LABEL: run_id, MARK_LABEL: mark}


def with_labels(labels: Mapping[str, str]) -> list[str]:
    """`labels` as the engine filters by them."""
    return [f"{name}={value}" for name, value in labels.items()]


def engine_of(data: Mapping[str, Any]) -> str:
    """The engine in a journal's entry: the one that the run had, and never whatever is the default by now.

    Raises:
        ValueError: when it names none.
    """
    engine = data["engine"]
    if not isinstance(engine, str) or not engine:
        raise ValueError("engine: expected the address of one")
    return engine


def connect(url: str | None = None, *, timeout_s: int = 60) -> DockerClient:
    """A client of the engine at `url`, or of the one that the environment names (`DOCKER_HOST`).

    Raises:
        EnvironmentProblem: when the package is missing, or no engine answers.
    """
    docker = _package()
    try:
        environment = {**os.environ, "DOCKER_HOST": url} if url else None  # certificates are named there too
        _reach(url or os.environ.get("DOCKER_HOST") or _SOCKET, timeout_s)
        client: DockerClient = docker.from_env(environment=environment, timeout=timeout_s)
        try:
            client.ping()
        except BaseException:
            client.close()
            raise
    except (docker.errors.DockerException, OSError, ValueError) as e:
        raise EnvironmentProblem(
            f"no Docker Engine answers at {url or 'DOCKER_HOST, or its default socket'}: {e}",
            hint="start one, or point DOCKER_HOST at one; without an engine, leave --on out",
        ) from e
    return client


def _reach(address: str, timeout_s: float) -> None:
    """Return when something listens at a socket file; the docker package leaves its own socket open when nothing does.

    Raises:
        OSError: when nothing does.
    """
    scheme, _, path = address.partition("://")
    if scheme == "unix":
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(timeout_s)
            probe.connect(path)


def where(client: DockerClient) -> str:
    """The address of the engine, as the journal keeps it for undoing."""
    base = str(client.api.base_url)
    return (os.environ.get("DOCKER_HOST") or _SOCKET) if base.startswith("http+") else base


def _package() -> Any:
    try:
        import docker
        import docker.errors
    except ModuleNotFoundError as e:
        raise EnvironmentProblem("the package `docker` is not installed", hint="pip install 'leakdrill[docker]'") from e
    return docker
