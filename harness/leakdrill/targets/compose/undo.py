"""Undoes what a drill on a compose file changed: its project, and the leaks that it switched on in an existing one."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.machine.marked_processes import Seen, end, marked, see_all
from leakdrill.machine.ports import LOOPBACK
from leakdrill.targets.docker.container import engine_errors
from leakdrill.targets.docker.engine import connect, engine_of, own_labels, with_labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx
    from docker import DockerClient

    from leakdrill.record.journal_header import Header
    from leakdrill.record.undo import UndoTable

COMPOSE_PART: Final = "compose"
"""Value of `LEAKDRILL_PART` in the compose programs of a run."""

_TIMEOUT_S: Final = 5.0
_LOOKS: Final = 2
_LEAKS: Final = "/admin/leaks"
_TOKEN: Final = "LEAKDRILL_TOKEN"  # noqa: S105 - its name, not a token


def _undo_project(data: Mapping[str, Any], header: Header) -> str | None:
    """Remove the containers, networks and volumes that carry the labels of the run: None when they are gone."""
    name = str(data["name"])
    _end_compose(header)
    try:
        client = connect(engine_of(data))
    except EnvironmentProblem as e:
        return f"project {name}: {e}"
    with contextlib.closing(client):
        try:
            _remove_labelled(client, with_labels(own_labels(str(data["run_id"]), header.mark)))
        except engine_errors() as e:
            return f"project {name}: {e}"
    return None


def _end_compose(header: Header) -> None:
    """The compose program that the drill was waiting for when it was killed goes on making containers without it."""

    def find() -> list[Seen]:
        living = see_all()
        return [living[pid] for pid in marked(living, mark=header.mark, part=COMPOSE_PART)]

    end(find, term_timeout_s=0.0)


def _remove_labelled(client: DockerClient, labels: list[str]) -> None:
    import docker.errors

    mine: dict[str, str | list[str] | bool] = {"label": labels}
    for _ in range(_LOOKS):  # one that compose was about to make when it was interrupted comes a moment later
        for container in client.containers.list(all=True, filters=mine, ignore_removed=True):
            with contextlib.suppress(docker.errors.NotFound):
                container.remove(force=True, v=True)
    for network in client.networks.list(filters=mine):
        network.remove()
    for volume in client.volumes.list(filters=mine):
        volume.remove(force=True)


def _undo_leaks(data: Mapping[str, Any], header: Header) -> str | None:  # noqa: ARG001 - a service has no place for it
    """Switch off what was not on before, in the containers that the drill found; None when none leaks any more."""
    import httpx

    from leakdrill.targets.compose.replicas import PROJECT_LABEL, SERVICE_LABEL

    project, service, before = str(data["project"]), str(data["service"]), data["on"]
    if not isinstance(before, dict):
        raise TypeError("on: expected the containers, each with the names of its leaks")
    broken: tuple[type[Exception], ...] = (EnvironmentProblem, httpx.HTTPError, ValueError, *engine_errors())
    labels = with_labels({PROJECT_LABEL: project, SERVICE_LABEL: service})
    try:
        client = connect(engine_of(data))
        with contextlib.closing(client):
            for container in client.containers.list(filters={"label": labels}, ignore_removed=True):
                if container.id in before:
                    _switch_off(container.attrs, int(data["port"]), keep=before[container.id])
    except broken as e:
        return f"leaks of {project}/{service}: they could not be switched off: {e}"
    return None


def leaks_on(attrs: Mapping[str, Any], port: int) -> list[str]:
    """The names of the leaks that are on in the container that `attrs` describes; none where it does not tell."""
    import httpx

    try:
        with _admin(attrs, port) as http:
            return [leak["name"] for leak in _leaks(http) if leak.get("on")] if http else []
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return []


def _switch_off(attrs: Mapping[str, Any], port: int, *, keep: list[str]) -> None:
    with _admin(attrs, port) as http:
        if http is None:
            return  # then the drill could not switch one on either
        names = [leak["name"] for leak in _leaks(http) if leak["name"] not in keep]
        if names:
            http.post(_LEAKS, json=dict.fromkeys(names, False)).raise_for_status()


def _leaks(http: httpx.Client) -> list[dict[str, Any]]:
    """The leaks as the service lists them; none where it lists none.

    Raises:
        ValueError: when its answer is no list of leaks with their names.
    """
    response = http.get(_LEAKS)
    if not response.is_success:
        return []
    try:
        answer = response.json()
    except RecursionError as e:
        raise ValueError(f"{_LEAKS} answered with JSON that is nested too deep") from e
    leaks = answer.get("leaks") if isinstance(answer, dict) else None
    if not isinstance(leaks, list) or not all(isinstance(o, dict) and isinstance(o.get("name"), str) for o in leaks):
        raise ValueError(f"{_LEAKS} answered with something else than a list of leaks")
    return leaks


@contextlib.contextmanager
def _admin(attrs: Mapping[str, Any], port: int) -> Iterator[httpx.Client | None]:
    """A client of the admin endpoints of a container on loopback; None where they are not published, or not open."""
    import httpx

    places = attrs["NetworkSettings"]["Ports"].get(f"{port}/tcp") or []
    environment = dict(pair.partition("=")[::2] for pair in attrs["Config"]["Env"] or [])
    if not places or not environment.get(_TOKEN):
        yield None
        return
    headers = {"Authorization": f"Bearer {environment[_TOKEN]}"}
    address = f"http://{LOOPBACK}:{places[0]['HostPort']}"
    with httpx.Client(base_url=address, trust_env=False, timeout=_TIMEOUT_S, headers=headers) as http:
        yield http


UNDO: Final[UndoTable] = {"project": _undo_project, "leaks": _undo_leaks}
