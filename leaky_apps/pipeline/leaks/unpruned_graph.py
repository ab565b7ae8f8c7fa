"""A knowledge graph that nobody prunes: data that the service is for, and more of it with every episode."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.pipeline.graph import KnowledgeGraph


class UnprunedGraph:
    """Each episode's nodes and edges stay. Switching it off stops the growth and releases nothing."""

    name = "unpruned-graph"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = 58.0 * 1024
    request = "POST /episodes with a new seed"
    released_by: tuple[str, ...] = ("POST /admin/prune-graph", "restart")
    not_released_by: tuple[str, ...] = (
        "POST /admin/clear-caches",
        "POST /admin/gc",
        "lowering graph_max_episodes",
        "switching the leak off",
    )
    twin = "the graph of the 32 newest episodes"

    def __init__(self, graph: KnowledgeGraph) -> None:
        self._episodes = graph.episodes

    @property
    def on(self) -> bool:
        """Whether no episode is ever pruned."""
        return not self._episodes.bounded

    def switch(self, *, on: bool) -> None:
        """Prune nothing, or keep no more than there are now."""
        if on:
            self._episodes.unbind()
        else:
            self._episodes.bind()
