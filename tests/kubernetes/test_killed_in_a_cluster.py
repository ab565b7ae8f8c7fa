"""Cells of the kill matrix in a cluster; `make kill-matrix` plays all of them."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from kill_cell import play
from kill_plan import ALERTING, Cell

CELLS = [
    Cell("kubernetes", ALERTING, "load", signal.SIGKILL),
    Cell("kubernetes", "autoscale", "recover", signal.SIGKILL),
]


@pytest.mark.usefixtures("cluster")
def test_pods_and_namespaces_of_a_killed_drill_are_gone_within_ten_seconds() -> None:
    with ThreadPoolExecutor(len(CELLS)) as pool:
        results = list(pool.map(play, CELLS))
    assert [result for result in results if result.fault or not result.came] == []
