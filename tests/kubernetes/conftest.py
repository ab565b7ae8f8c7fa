"""A real Kubernetes, in which each module must leave nothing."""

from __future__ import annotations

import pytest

from cluster_here import lying_in, reached_cluster
from left_here import assert_nothing_new, left_here, mark


@pytest.fixture(scope="session")
def cluster():
    """The cluster of KUBECONFIG."""
    found = reached_cluster()
    mark()
    yield found
    found.close()


@pytest.fixture(autouse=True, scope="module")
def _leaves_nothing_in_the_cluster(cluster):
    """Counts what is there before and after: namespaces, pods, autoscalers; processes, folders and mounts here."""

    def looked():
        return lying_in(cluster) | left_here()

    before = looked()
    yield
    assert_nothing_new(looked, before)
