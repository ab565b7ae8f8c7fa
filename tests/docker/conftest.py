"""A real Docker Engine; without one these tests skip with the reason, and in CI they fail."""

from __future__ import annotations

import os

import pytest

from harness.errors import LeakdrillError
from harness.targets.engine import connect

REQUIRED = "LEAKDRILL_REQUIRE_DOCKER"


@pytest.fixture(scope="session")
def engine():
    """A client of the engine."""
    try:
        client = connect()
    except LeakdrillError as e:
        if os.environ.get(REQUIRED):
            raise
        pytest.skip(str(e))
    yield client
    client.close()


@pytest.fixture(autouse=True)
def _leaves_nothing_on_the_engine(engine):
    """Counts what lies on the engine before and after: containers, networks, volumes."""
    before = lying_on(engine)
    yield
    assert lying_on(engine) - before == set()


def lying_on(engine) -> set[str]:
    """Names of everything on the engine that a run could have made."""
    containers = engine.containers.list(all=True, ignore_removed=True)
    # A cluster on the same engine has pods that come and go by themselves.
    found = {f"container {c.name}" for c in containers if not c.name.startswith("k8s_")}
    found |= {f"network {n.name}" for n in engine.networks.list()}
    found |= {f"volume {v.name}" for v in engine.volumes.list()}
    return found
