"""A real Docker Engine; without one tests skip with the reason, and in CI they fail."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leakdrill.errors import LeakdrillError
from leakdrill.targets.compose.cli import Compose
from leakdrill.targets.docker.engine import connect

if TYPE_CHECKING:
    from docker import DockerClient

REQUIRED = "LEAKDRILL_REQUIRE_DOCKER"


def reached_engine() -> DockerClient:
    """A client of the engine."""
    try:
        return connect()
    except LeakdrillError as e:
        if os.environ.get(REQUIRED):
            raise
        pytest.skip(str(e))


def build_image_with_locust(engine: DockerClient) -> None:
    """The one of `docker-compose.yml`, where it is not there yet."""
    if not engine.images.list("leakdrill"):
        file = Path(__file__).parents[2] / "docker-compose.yml"
        Compose(file, project="leakdrill-images").run("build", "configure", timeout_s=900)


def lying_on(engine: DockerClient) -> set[str]:
    """Names of everything on the engine that a run could have made."""
    containers = engine.containers.list(all=True, ignore_removed=True)
    # A cluster on the same engine has pods that come and go by themselves.
    found = {f"container {c.name}" for c in containers if not c.name.startswith("k8s_")}
    found |= {f"network {n.name}" for n in engine.networks.list()}
    found |= {f"volume {v.name}" for v in engine.volumes.list()}
    return found
