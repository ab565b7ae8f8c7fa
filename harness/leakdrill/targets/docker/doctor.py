"""Examines whether a Docker Engine answers, and where it runs."""

from __future__ import annotations

from contextlib import closing
from typing import Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.machine.finding import Finding
from leakdrill.targets.docker.container import engine_errors
from leakdrill.targets.docker.engine import connect, where
from leakdrill.targets.docker.remote_engine import engine_host

_NAME: Final = "Docker Engine"
_ANSWERS_WITHIN_S: Final = 5


def examine() -> list[Finding]:
    """Returns the version of the engine that a drill on Docker would use, or why it cannot be used."""
    try:
        client = connect(timeout_s=_ANSWERS_WITHIN_S)
    except EnvironmentProblem as e:
        return [Finding(name=_NAME, ok=False, detail=e.message, hint=e.hint)]
    with closing(client):
        try:
            version = client.version()["Version"]
        except engine_errors() as e:
            return [Finding(name=_NAME, ok=False, detail=f"does not say its version: {e}")]
        host = engine_host(client) or "this machine"
        return [Finding(name=_NAME, ok=True, detail=f"{version} at {where(client)}, on {host}")]
