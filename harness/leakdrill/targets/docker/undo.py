"""Undoes what a run made on a Docker Engine: containers that carry its labels."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.targets.docker.container import engine_errors
from leakdrill.targets.docker.engine import connect, engine_of, own_labels, with_labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from docker import DockerClient

    from leakdrill.record.journal_header import Header
    from leakdrill.record.undo import UndoTable

_LATE_S: Final = 1.0
"""How long the engine may take to make a container that it was asked for when the drill was killed."""

_POLL_S: Final = 0.1


def _undo_container(data: Mapping[str, Any], header: Header) -> str | None:
    """Only what carries the labels of the run is removed, whatever its name says."""
    name, labels = str(data["name"]), own_labels(str(data["run_id"]), header.mark)
    try:
        client = connect(engine_of(data))
    except EnvironmentProblem as e:
        return f"container {name}: {e}"
    with contextlib.closing(client):
        try:
            deadline = time.monotonic() + (0 if "id" in data else _LATE_S)
            while not _remove(client, name, labels) and time.monotonic() < deadline:
                time.sleep(_POLL_S)
        except engine_errors() as e:
            return f"container {name}: {e}"
    return None


def _remove(client: DockerClient, name: str, labels: Mapping[str, str]) -> bool:
    """Remove it; whether it was there."""
    import docker.errors

    filters: dict[str, str | list[str] | bool] = {"label": with_labels(labels)}
    found = [one for one in client.containers.list(all=True, filters=filters, ignore_removed=True) if one.name == name]
    for container in found:
        with contextlib.suppress(docker.errors.NotFound):  # somebody was faster
            container.remove(force=True, v=True)
    return bool(found)


UNDO: Final[UndoTable] = {"container": _undo_container}
