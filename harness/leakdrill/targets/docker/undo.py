"""Undoes what a run made on a Docker Engine: containers that carry its label."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.targets.docker.engine import RUN_LABEL, connect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.record.undo import UndoTable


def _undo_container(data: Mapping[str, Any]) -> str | None:
    """Only what carries the run's label is removed, whatever its name says."""
    try:
        client = connect(data["engine"])
    except EnvironmentProblem as e:
        return f"container {data['name']}: {e}"
    with contextlib.closing(client):
        ours = client.containers.list(
            all=True, filters={"name": f"^/?{data['name']}$", "label": f"{RUN_LABEL}={data['run_id']}"}
        )
        for container in ours:
            container.remove(force=True, v=True)
    return None


UNDO: Final[UndoTable] = {"container": _undo_container}
