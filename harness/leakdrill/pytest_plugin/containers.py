"""Containers that a test suite starts itself, such as those of testcontainers: which one is meant, and its agent.

Nothing of testcontainers is imported: whatever tells its id is a container.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.scenario.target import ContainerForm
from leakdrill.targets.docker.agent import AgentMount
from leakdrill.targets.docker.remote_engine import engine_host

if TYPE_CHECKING:
    from pathlib import Path


def form_of(container: object) -> ContainerForm:
    """What a scenario would say of `container`: the name or id of one that runs already, and its engine.

    Args:
        container: a `DockerContainer` of testcontainers, a container of the docker package, or a name or id.

    Raises:
        BadInput: when it is none of them, or was not started.
    """
    if isinstance(container, str) and container:
        return ContainerForm(existing=container)
    wrapped = _wrapped(container)
    name = getattr(wrapped, "name", None) or getattr(wrapped, "id", None)
    if not isinstance(name, str) or not name:
        raise BadInput(
            f"{type(container).__name__} is no container; expected a DockerContainer of testcontainers that is "
            "started, or the name or id of a container"
        )
    return ContainerForm(existing=name, engine=_engine(getattr(wrapped, "client", None)))


def bring_agent(container: Any, folder: Path) -> None:
    """Let `container`, a `DockerContainer` that was not started yet, start with the agent in every Python inside.

    Args:
        container: is changed: two mounts and two variables are added.
        folder: is made, for the agent's code and its sockets; must stay as long as the container.

    Raises:
        BadInput: when it is no such container, or runs already.
        EnvironmentProblem: when the engine runs on another machine.
    """
    if not hasattr(container, "with_volume_mapping"):
        raise BadInput(f"leak_agent: {type(container).__name__} is no DockerContainer of testcontainers")
    if getattr(container, "_container", None) is not None:
        raise BadInput(
            "leak_agent: the container runs already; expected leak_agent(container) before container.start()"
        )
    client = container.get_docker_client().client
    host = engine_host(client)
    if host is not None:
        raise EnvironmentProblem(f"leak_agent: the engine runs on {host}, and sockets do not reach there")
    agent = AgentMount(folder)
    for source, mount in agent.volumes().items():
        container.with_volume_mapping(source, mount["bind"], mount["mode"])
    for name, value in agent.environment({**_image_environment(client, container.image), **container.env}).items():
        container.with_env(name, value)


def _wrapped(container: object) -> object:
    """The container of the docker package behind one of testcontainers."""
    unwrap = getattr(container, "get_wrapped_container", None)
    if unwrap is None:
        return container
    try:
        wrapped: object = unwrap()
    except Exception as e:
        raise BadInput(f"the {type(container).__name__} has not been started: {e}") from e
    return wrapped


def _engine(client: Any) -> str | None:
    """The address of the engine of `client`; None for the one that the environment names."""
    api = getattr(client, "api", None)
    if api is None:
        return None
    path = getattr(api.get_adapter(api.base_url), "socket_path", None)
    if path:
        return f"unix://{path}"
    return None if str(api.base_url).startswith("http+") else str(api.base_url)


def _image_environment(client: Any, image: str) -> dict[str, str]:
    """The environment that `image` brings, which is pulled where it is not there, as its start would do."""
    import docker.errors  # noqa: PLC0415 - an extra

    try:
        found = client.images.get(image)
    except docker.errors.ImageNotFound:
        found = client.images.pull(image)
    return dict(pair.split("=", 1) for pair in found.attrs["Config"]["Env"] or ())
