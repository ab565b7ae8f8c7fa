"""Takes back what a drill changed in a container that is not its own: leaks that are on, and other limits."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.machine.http_access import Access
from leakdrill.masking import hide
from leakdrill.targets.base.leak_request import kept_request, switch_off
from leakdrill.targets.docker.container import engine_errors
from leakdrill.targets.docker.engine import connect, engine_of
from leakdrill.targets.docker.found import ContainerGone, address_of, find_container
from leakdrill.targets.docker.remote_engine import engine_host

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from docker import DockerClient
    from docker.models.containers import Container

    from leakdrill.record.journal_header import Header
    from leakdrill.record.undo import UndoTable
    from leakdrill.scenario.actions import HttpCall

_TOKEN: Final = "LEAKDRILL_TOKEN"  # noqa: S105 - its name, not a token


def token_of(container: Container) -> str:
    """The token in the environment of a container of our own images, masked from now on; empty in others."""
    pairs = [pair.partition("=") for pair in container.attrs["Config"]["Env"] or []]
    token = next((value for name, _, value in pairs if name == _TOKEN), "")
    hide(token)
    return token


def started_at(container: Container) -> str:
    """When it was started this time: what was switched on in it before then is off."""
    return str(container.attrs["State"]["StartedAt"])


def switch_off_inside(
    client: DockerClient, data: Mapping[str, Any], off: HttpCall, access: Access, container: Container
) -> str | None:
    """Send `off` to the container of an entry; says why the leak is not off, and None when it is.

    Raises:
        BadInput: when its port cannot be reached any more.
    """
    if started_at(container) != data["started"]:
        return None
    base_url = "http://" + address_of(container, int(data["port"]), host=engine_host(client))
    return switch_off(off, base_url, Access(headers=access.headers_with(token_of(container))))


def engine_settings(attrs: Mapping[str, Any], wanted: Mapping[str, float]) -> dict[str, int]:
    """What the engine is to be told to give a container back the limits that it has, of those that are `wanted`."""
    now, settings = attrs["HostConfig"], {}
    if "memory" in wanted:
        settings = {"mem_limit": int(now["Memory"]), "memswap_limit": int(now["MemorySwap"] or -1)}
    if "cpus" in wanted:
        settings |= {"cpu_period": int(now["CpuPeriod"] or 0), "cpu_quota": int(now["CpuQuota"] or -1)}
    return settings


def on_container(
    data: Mapping[str, Any], what: str, act: Callable[[DockerClient, Container], str | None]
) -> str | None:
    """Do `act` on the container of an entry: None when it was done, or the container runs no more; else why not."""
    broken: tuple[type[Exception], ...] = (BadInput, EnvironmentProblem, *engine_errors())
    try:
        with contextlib.closing(connect(engine_of(data))) as client:
            reason = act(client, find_container(client, str(data["container"])))
    except ContainerGone:
        return None
    except broken as e:
        reason = e.message if isinstance(e, BadInput | EnvironmentProblem) else str(e)
    return f"container {data['container_name']}: {what}: {reason}" if reason else None


def _undo_leak(data: Mapping[str, Any], header: Header) -> str | None:  # noqa: ARG001 - a container has no place for it
    """None when the leak is off, or the container was restarted or runs no more."""

    def act(client: DockerClient, container: Container) -> str | None:
        off, access = kept_request(data, str(data["container_name"]))
        return switch_off_inside(client, data, off, access, container)

    return on_container(data, f"the leak {data['name']} could not be switched off", act)


def _undo_limits(data: Mapping[str, Any], header: Header) -> str | None:  # noqa: ARG001 - likewise
    changes: dict[str, Any] = {str(name): int(value) for name, value in dict(data["settings"]).items()}

    def act(_client: DockerClient, container: Container) -> None:
        container.update(**changes)

    return on_container(data, "its limits could not be put back", act)


UNDO: Final[UndoTable] = {"container leak": _undo_leak, "container limits": _undo_limits}
