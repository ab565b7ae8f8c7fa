"""A real Docker Engine, on which each module must leave nothing."""

from __future__ import annotations

import pytest

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
