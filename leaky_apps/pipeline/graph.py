"""The knowledge graph: who is mentioned where, and next to whom."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from leaky_apps.pipeline.store import BoundedStore

if TYPE_CHECKING:
    from leaky_apps.pipeline.segments import Document, Segment

DEFAULT_MAX_EPISODES: Final = 32
_EDGE_BYTES: Final = 72  # a tuple of three, and its place in a list
_NODE_BYTES: Final = 900  # a dictionary of some twenty names, its key, and its place in another


@dataclass(slots=True)
class EpisodeGraph:
    """What one episode adds.

    Attributes:
        nodes: by segment, how often each name is mentioned in it.
        edges: the name mentioned, the name mentioned next, the segment.
    """

    nodes: dict[str, dict[str, int]]
    edges: list[tuple[str, str, int]]


class KnowledgeGraph:
    """The graph of the newest episodes, or of all of them as long as nobody prunes."""

    def __init__(self, max_episodes: int = DEFAULT_MAX_EPISODES) -> None:
        self.episodes: BoundedStore[EpisodeGraph] = BoundedStore(max_episodes, _held_bytes)

    def add(self, document: Document) -> None:
        """Put the nodes and edges of `document` in, in place of those that it had."""
        nodes = {f"{document.episode}/{s.index}": dict(s.entities) for s in document.segments}
        edges = [edge for segment in document.segments for edge in _edges(segment)]
        self.episodes.put(document.episode, EpisodeGraph(nodes, edges))

    def prune(self) -> int:
        """Forget all episodes but the newest, up to the configured bound; returns how many went."""
        return self.episodes.shrink(self.episodes.max_entries)

    def counts(self) -> dict[str, int]:
        """How many episodes, nodes and edges there are."""
        return {
            "episodes": len(self.episodes),
            "nodes": sum(len(part.nodes) for part in self.episodes),
            "edges": sum(len(part.edges) for part in self.episodes),
        }

    def neighbours(self, name: str, count: int) -> dict[str, int]:
        """The `count` names that are mentioned most often right after `name`."""
        after = Counter(end for part in self.episodes for start, end, _ in part.edges if start == name)
        return dict(after.most_common(count))


def _edges(segment: Segment) -> list[tuple[str, str, int]]:
    return [(before, after, segment.index) for before, after in pairwise(segment.mentions)]


def _held_bytes(part: EpisodeGraph) -> int:
    return len(part.edges) * _EDGE_BYTES + len(part.nodes) * _NODE_BYTES
