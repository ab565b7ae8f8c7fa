"""Takes back what a drill changed in a container that is not its own: leaks that are on, and other limits."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.targets.docker.container import engine_errors
from leakdrill.targets.docker.engine import connect, engine_of
from leakdrill.targets.docker.found import ContainerGone, address_of, find_container
from leakdrill.targets.docker.remote_engine import engine_host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from docker import DockerClient
    from docker.models.containers import Container

    from leakdrill.record.journal_header import Header
    from leakdrill.record.undo import UndoTable
    from leakdrill.scenario.leaks import Leak

_TIMEOUT_S: Final = 5.0
_SERVER_ERROR: Final = 500
_TOKEN: Final = "LEAKDRILL_TOKEN"  # noqa: S105 - its name, not a token


def token_of(container: Container) -> str:
    """The token in the environment of a container of our own images; empty in others."""
    pairs = [pair.partition("=") for pair in container.attrs["Config"]["Env"] or []]
    return next((value for name, _, value in pairs if name == _TOKEN), "")


def requests_off(leaks: Iterable[Leak]) -> list[dict[str, Any]]:
    """The requests that switch `leaks` off, as the journal keeps them."""
    return [
        {"method": leak.switch.off.method, "path": leak.switch.off.path, "body": leak.switch.off.body}
        if leak.switch
        else {"method": "POST", "path": "/admin/leaks", "body": {leak.name: False}}
        for leak in leaks
    ]


def engine_settings(attrs: Mapping[str, Any], wanted: Mapping[str, float]) -> dict[str, int]:
    """What the engine is to be told to give a container back the limits that it has, of those that are `wanted`."""
    now, settings = attrs["HostConfig"], {}
    if "memory" in wanted:
        settings = {"mem_limit": int(now["Memory"]), "memswap_limit": int(now["MemorySwap"] or -1)}
    if "cpus" in wanted:
        settings |= {"cpu_period": int(now["CpuPeriod"] or 0), "cpu_quota": int(now["CpuQuota"] or -1)}
    return settings


def _on_container(data: Mapping[str, Any], what: str, act: Callable[[DockerClient, Container], None]) -> str | None:
    """Do `act` on the container of an entry: None when it was done, or the container is gone."""
    import httpx

    broken: tuple[type[Exception], ...] = (EnvironmentProblem, httpx.HTTPError, *engine_errors())
    name = str(data["name"])
    try:
        with contextlib.closing(connect(engine_of(data))) as client:
            act(client, find_container(client, str(data["container"])))
    except ContainerGone:
        return None
    except broken as e:
        return f"container {name}: {what}: {e}"
    return None


def _undo_leaks(data: Mapping[str, Any], header: Header) -> str | None:  # noqa: ARG001 - a container has no place for it
    """A leak that was never on answers with a 4xx, or is switched off once more; neither is a problem."""

    def switch_off(client: DockerClient, container: Container) -> None:
        import httpx

        token = token_of(container)
        base_url = "http://" + address_of(container, int(data["port"]), host=engine_host(client))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with httpx.Client(base_url=base_url, trust_env=False, timeout=_TIMEOUT_S, headers=headers) as http:
            for request in data["off"]:
                response = http.request(str(request["method"]), str(request["path"]), json=request["body"])
                if response.status_code >= _SERVER_ERROR:
                    raise EnvironmentProblem(f"{request['path']} answered {response.status_code}")

    return _on_container(data, "its leaks could not be switched off", switch_off)


def _undo_limits(data: Mapping[str, Any], header: Header) -> str | None:  # noqa: ARG001 - likewise
    settings = {str(name): int(value) for name, value in dict(data["settings"]).items()}
    return _on_container(data, "its limits could not be put back", lambda _, container: _update(container, settings))


def _update(container: Container, settings: Mapping[str, int]) -> None:
    changes: dict[str, Any] = dict(settings)
    container.update(**changes)


UNDO: Final[UndoTable] = {"container leaks": _undo_leaks, "container limits": _undo_limits}
