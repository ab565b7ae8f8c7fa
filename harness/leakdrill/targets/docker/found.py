"""A container that somebody else started: found by its name or id, and the address at which a port of it is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.machine.ports import LOOPBACK
from leakdrill.targets.docker.container import engine_errors
from leakdrill.targets.docker.load_workers import network_of
from leakdrill.units import quoted

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

    from leakdrill.scenario.target import ContainerForm

_EVERY_ADDRESS: Final = ("", "0.0.0.0", "::")  # noqa: S104 - compared with, and never bound to by us
_HERE: Final = (None, "localhost", "::1", LOOPBACK)


class ContainerGone(EnvironmentProblem):
    """The container is not there, or does not run."""


def find_container(client: DockerClient, name: str, *, engine: str = "") -> Container:
    """The running container with this name or id; messages name the `engine`.

    Raises:
        ContainerGone: when there is none, or it does not run; says since when.
        EnvironmentProblem: when it is paused, or the engine does not answer.
    """
    import docker.errors

    try:
        container = client.containers.get(name)
    except docker.errors.NotFound as e:
        raise ContainerGone(
            f"there is no container {quoted(name)} on the engine{f' at {engine}' if engine else ''}",
            hint="`docker ps --all` lists them; another engine is named by DOCKER_HOST, or target.container.engine",
        ) from e
    except engine_errors() as e:
        raise EnvironmentProblem(f"container {quoted(name)}: the engine does not describe it: {e}") from e
    state: dict[str, Any] = container.attrs["State"]
    if state.get("Paused"):
        raise EnvironmentProblem(
            f"container {container.name} is paused; expected it to run", hint="docker unpause it first"
        )
    if not state.get("Running"):
        raise ContainerGone(
            f"container {container.name} does not run: it is {state.get('Status', 'down')}, with exit code "
            f"{state.get('ExitCode')} at {str(state.get('FinishedAt'))[:19]}",
            hint="start it first: the drill does not",
        )
    return container


def port_inside(container: Container, form: ContainerForm) -> int:
    """The port that `form` gives, else the container's only one.

    Raises:
        BadInput: when it has none, or several.
    """
    if "port" in form.model_fields_set:
        return form.port
    known = {**(container.attrs["Config"].get("ExposedPorts") or {}), **container.attrs["NetworkSettings"]["Ports"]}
    ports = sorted(int(port.partition("/")[0]) for port in known if port.endswith("/tcp"))
    if len(ports) == 1:
        return ports[0]
    found = f"has the ports {', '.join(map(str, ports))}" if ports else "exposes no port"
    raise BadInput(
        f"target.container: {container.name} {found}; expected target.container.port, the one that the load goes to"
    )


def address_of(container: Container, port: int, *, host: str | None) -> str:
    """Where `port` of it is reached from here, such as `127.0.0.1:32768`; `host` is the engine's machine, if not this.

    A port that is not published is reached on the container's own network, where that is this machine's.

    Raises:
        BadInput: when there is no way.
    """
    bound = (container.attrs["NetworkSettings"]["Ports"] or {}).get(f"{port}/tcp") or []
    for place in bound:
        address = place["HostIp"]
        if address in _EVERY_ADDRESS:
            return f"{host or LOOPBACK}:{place['HostPort']}"
        if host in _HERE or address not in _HERE:
            return f"{address}:{place['HostPort']}"
    if bound:
        raise BadInput(
            f"target.container: {container.name} publishes port {port} on the loopback of {host} only, where the "
            "engine runs; expected an address that is reached from here"
        )
    if container.attrs["HostConfig"].get("NetworkMode") == "host":
        return f"{host or LOOPBACK}:{port}"
    own = network_of(container)[1] if host is None else ""
    if not own:
        raise BadInput(
            f"target.container: {container.name} does not publish port {port}, and its network is not reached "
            "from here; expected a published port",
            hint=f"docker run --publish 127.0.0.1::{port}, or with_exposed_ports({port}) in testcontainers",
        )
    return f"{own}:{port}"
