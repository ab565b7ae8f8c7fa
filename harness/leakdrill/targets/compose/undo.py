"""Undoes what a drill on a compose file changed: its project, and the leaks that it switched on in an existing one."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.machine.ports import LOOPBACK
from leakdrill.targets.docker.engine import RUN_LABEL, connect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.record.undo import UndoTable

_TIMEOUT_S: Final = 5.0
_LOOKS: Final = 2
_LEAKS: Final = "/admin/leaks"
_TOKEN: Final = "LEAKDRILL_TOKEN"  # noqa: S105 - its name, not a token


def _undo_project(data: Mapping[str, Any]) -> str | None:
    """Remove the containers, networks and volumes that carry the run's label: None when they are gone, else why not."""
    from leakdrill.targets.docker.container import engine_errors

    mine: dict[str, str | list[str] | bool] = {"label": f"{RUN_LABEL}={data['run_id']}"}
    try:
        client = connect(data["engine"])
    except EnvironmentProblem as e:
        return f"project {data['name']}: {e}"
    with contextlib.closing(client):
        try:
            for _ in range(_LOOKS):  # one that compose was about to make when it was interrupted comes a moment later
                for container in client.containers.list(all=True, filters=mine, ignore_removed=True):
                    container.remove(force=True, v=True)
            for network in client.networks.list(filters=mine):
                network.remove()
            for volume in client.volumes.list(filters=mine):
                volume.remove(force=True)
        except engine_errors() as e:
            return f"project {data['name']}: {e}"
    return None


def _undo_leaks(data: Mapping[str, Any]) -> str | None:
    """Switch off every leak of the service's containers; None when none leaks any more, else why one may."""
    import httpx

    from leakdrill.targets.compose.replicas import PROJECT_LABEL, SERVICE_LABEL
    from leakdrill.targets.docker.container import engine_errors

    service = f"{data['project']}/{data['service']}"
    broken: tuple[type[Exception], ...] = (EnvironmentProblem, httpx.HTTPError, ValueError, *engine_errors())
    labels = [f"{PROJECT_LABEL}={data['project']}", f"{SERVICE_LABEL}={data['service']}"]
    try:
        client = connect(data["engine"])
        with contextlib.closing(client):
            containers = client.containers.list(filters={"label": labels}, ignore_removed=True)
            for container in containers:
                _switch_off(container.attrs, data["port"])
    except broken as e:
        return f"leaks of {service}: they could not be switched off: {e}"
    return None


def _switch_off(attrs: Mapping[str, Any], port: int) -> None:
    import httpx

    places = attrs["NetworkSettings"]["Ports"].get(f"{port}/tcp") or []
    environment = dict(pair.partition("=")[::2] for pair in attrs["Config"]["Env"] or [])
    if not places or not environment.get(_TOKEN):
        return  # then the drill could not switch one on either
    address = f"http://{LOOPBACK}:{places[0]['HostPort']}{_LEAKS}"
    with httpx.Client(
        trust_env=False, timeout=_TIMEOUT_S, headers={"Authorization": f"Bearer {environment[_TOKEN]}"}
    ) as http:
        response = http.get(address)
        if response.is_success:
            http.post(address, json={leak["name"]: False for leak in response.json()["leaks"]}).raise_for_status()


UNDO: Final[UndoTable] = {"project": _undo_project, "leaks": _undo_leaks}
