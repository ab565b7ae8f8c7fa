"""A real Docker Engine, on which each module must leave nothing."""

from __future__ import annotations

import contextlib

import docker.errors
import pytest
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from engine_here import lying_on, reached_engine
from left_here import assert_nothing_new, left_here, mark


@pytest.fixture(scope="session")
def engine():
    """A client of the engine."""
    client = reached_engine()
    mark()
    yield client
    client.close()


@pytest.fixture(autouse=True, scope="module")
def _leaves_nothing_on_the_engine(engine):
    """Counts what is there before and after: containers, networks and volumes; processes, folders and mounts here."""

    def looked():
        return lying_on(engine) | left_here()

    before = looked()
    yield
    assert_nothing_new(looked, before)


@pytest.fixture
def plain_service(monkeypatch):
    """Starts containers as a user's own test suite does; `plain_service("redis:7", port=6379)` is one that runs."""
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)
    started = []

    def start(image, *, port=None, command=None, environment=None, **settings):
        container = DockerContainer(image).with_kwargs(**settings).with_envs(**environment or {})
        if port is not None:
            container.with_exposed_ports(port)
        if command is not None:
            container.with_command(command)
        started.append(container.start())
        return container

    yield start
    for container in started:
        with contextlib.suppress(docker.errors.NotFound):  # the test has removed it
            container.stop()
        container.get_docker_client().client.close()
