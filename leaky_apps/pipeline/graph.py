"""The knowledge graph: who is mentioned where, next to whom, and what each stretch of talk is about."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leaky_apps.pipeline.store import BoundedStore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leaky_apps.pipeline.segments import Document

DEFAULT_MAX_EPISODES: Final = 32
DIMENSIONS: Final = 768
"""Of a node's vector; what text models usually have."""

_LETTERS: Final = 256
_PROJECTION: Final = np.random.default_rng(5).standard_normal((_LETTERS, DIMENSIONS), dtype=np.float32)


@dataclass(slots=True, eq=False)
class EpisodeGraph:
    """The nodes and edges of one episode, in three blocks: small objects would not return memory when pruned.

    Attributes:
        names: the names that it mentions, one a line.
        edges: shape (mentions - 1, 2): the places in `names` of a name and of the one mentioned next.
        vectors: shape (segments, 768): a node for each segment.
    """

    names: str
    edges: NDArray[np.int32]
    vectors: NDArray[np.float32]


class KnowledgeGraph:
    """The graph of the newest episodes, or of all of them as long as nobody prunes."""

    def __init__(self, max_episodes: int = DEFAULT_MAX_EPISODES) -> None:
        self.episodes: BoundedStore[EpisodeGraph] = BoundedStore(max_episodes, _held_bytes)

    def add(self, document: Document) -> None:
        """Put the nodes and edges of `document` in, in place of those that it had."""
        mentions = [name for segment in document.segments for name in segment.mentions]
        names = list(dict.fromkeys(mentions))
        place = {name: number for number, name in enumerate(names)}
        path = np.array([place[name] for name in mentions], dtype=np.int32)
        edges = np.column_stack((path[:-1], path[1:]))
        self.episodes.put(document.episode, EpisodeGraph("\n".join(names), edges, _vectors(document)))

    def prune(self) -> int:
        """Forget all episodes but the newest, up to the configured bound; returns how many went."""
        return self.episodes.shrink(self.episodes.max_entries)

    def counts(self) -> dict[str, int]:
        """The number of episodes, nodes and edges."""
        return {
            "episodes": len(self.episodes),
            "nodes": sum(len(part.vectors) for part in self.episodes),
            "edges": sum(len(part.edges) for part in self.episodes),
        }

    def neighbours(self, name: str, count: int) -> dict[str, int]:
        """The `count` names that are mentioned most often right after `name`."""
        after: Counter[str] = Counter()
        for part in self.episodes:
            names = part.names.splitlines()
            if name in names:
                after.update(names[end] for start, end in part.edges.tolist() if start == names.index(name))
        return dict(after.most_common(count))


def _vectors(document: Document) -> NDArray[np.float32]:
    """A vector for each segment, made of its letters."""
    letters = [
        np.bincount(np.frombuffer(s.text.encode("latin-1", "replace"), dtype=np.uint8), minlength=_LETTERS)
        for s in document.segments
    ]
    return np.asarray(letters, dtype=np.float32) @ _PROJECTION


def _held_bytes(part: EpisodeGraph) -> int:
    return len(part.names) + part.edges.nbytes + part.vectors.nbytes
