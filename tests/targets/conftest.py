"""A real Docker Engine and a real Kubernetes at once, and nothing left on either."""

from __future__ import annotations

import pytest

from cluster_here import lying_in, reached_cluster
from engine_here import lying_on, reached_engine
from left_here import assert_nothing_new, left_here, mark


@pytest.fixture(scope="module")
def _everywhere():
    """Counts what is there before and after, on the engine, in the cluster and on this machine."""
    engine, cluster = reached_engine(), reached_cluster()
    mark()

    def looked():
        return lying_on(engine) | lying_in(cluster) | left_here()

    before = looked()
    yield
    assert_nothing_new(looked, before)
    engine.close()
    cluster.close()
