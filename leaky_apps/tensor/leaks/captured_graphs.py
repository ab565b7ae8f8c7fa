"""A pool of captured passes, one a stream, that forgot its bound: streams that do not come again keep their buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.tensor.network import SCORES_BYTES, STATE_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.tensor.graphs import Graphs


class CapturedGraphs:
    """Each new stream keeps a captured pass: its input, two states and scores.

    That is what it is on the processor, where copied buffers stand in for a graph. On a card a graph has a pool of its
    own, of one segment at least: 2 MiB.
    """

    name = "captured-graphs"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(2 * STATE_BYTES + 2 * SCORES_BYTES)
    request = "POST /predict with 32 rows and a new stream"
    released_by: tuple[str, ...] = ("POST /admin/drop-graphs", "restart")
    not_released_by: tuple[str, ...] = (
        "POST /admin/gc",
        "POST /admin/empty-cache",
        "POST /admin/drop-references",
        "switching the leak off",
    )
    twin = "the passes of the four newest streams"

    def __init__(self, graphs: Graphs) -> None:
        self._graphs = graphs

    @property
    def on(self) -> bool:
        """Whether the pool is without a bound."""
        return not self._graphs.bounded

    def switch(self, *, on: bool) -> None:
        """Take the bound away, or put one at the level that the pool stands at."""
        if on:
            self._graphs.unbind()
        else:
            self._graphs.bind()
