"""The processing of an episode: cut, embedded in batches, linked, put into the graph, answered as JSON."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from leaky_apps.pipeline.segments import read_document
from leaky_apps.pipeline.store import BoundedStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leaky_apps.pipeline.batches import Batching
    from leaky_apps.pipeline.collector import Collector
    from leaky_apps.pipeline.graph import KnowledgeGraph
    from leaky_apps.pipeline.segments import Document, Segment

_RESULTS_KEPT = 4
_TOP_ENTITIES = 5
_SEGMENT_BYTES = 1200  # a segment, its list of names and their places, without the text


class Processing:
    """The pipeline's work.

    Args:
        batching: how segments are put together.
        graph: where the episodes go.
        collector: what becomes of a document afterwards.
        linking_ms: how long the model that links names to entities takes for an episode. It stands for a call to
            another machine: it costs time here and nothing else.

    Attributes:
        results: the documents that were processed last, for whoever wants to know what went wrong.
        in_work_bytes: text of the episodes that are worked on now.
        batches: how many were embedded.
    """

    def __init__(
        self, batching: Batching, graph: KnowledgeGraph, collector: Collector, *, linking_ms: int = 10
    ) -> None:
        self.results: BoundedStore[Document] = BoundedStore(_RESULTS_KEPT, _document_bytes)
        self.linking_ms = linking_ms
        self.in_work_bytes = 0
        self.batches = 0
        self._batching = batching
        self._graph = graph
        self._collector = collector

    @property
    def held_bytes(self) -> int:
        """Bytes of transcripts: worked on, embedded, and kept."""
        return self.in_work_bytes + self._batching.held_bytes + self.results.held_bytes

    async def annotate(self, episode: str, transcript: str) -> bytes:
        """The annotation of `transcript`, as JSON: its segments, each with its names and its tone."""
        self.in_work_bytes += len(transcript)
        try:
            document = read_document(episode, transcript, max_segment_length=self._batching.max_segment_length)
            tones = await self._tones(document)
        finally:
            self.in_work_bytes -= len(transcript)
        self._graph.add(document)
        annotation = _annotation(document, tones)
        self.results.put(episode, document)
        self._collector.release(document)
        return annotation

    async def _tones(self, document: Document) -> list[float]:
        """One number for each segment, from its features. A batch is held as long as its links are being asked for."""
        tones: list[float] = []
        for batch in _batches(document.segments, self._batching.batch_size):
            share = len(batch) / len(document.segments)
            with self._batching.embedded(batch) as features:
                tones += [
                    round(float(row[: len(s.text), 0].mean()), 4) for row, s in zip(features, batch, strict=False)
                ]
                await asyncio.sleep(self.linking_ms / 1000 * share)
            self.batches += 1
        return tones


def summary(annotation: bytes) -> dict[str, object]:
    """The part of an annotation that a client gets: the number of segments, and the names mentioned most often."""
    facts = json.loads(annotation)
    return {"episode": facts["episode"], "segments": len(facts["segments"]), "entities": facts["entities"]}


def _annotation(document: Document, tones: list[float]) -> bytes:
    segments = [
        {"text": segment.text, "entities": segment.entities, "tone": tone}
        for segment, tone in zip(document.segments, tones, strict=True)
    ]
    entities = dict(document.entities.most_common(_TOP_ENTITIES))
    return json.dumps({"episode": document.episode, "entities": entities, "segments": segments}).encode()


def _batches(segments: list[Segment], size: int) -> Iterator[list[Segment]]:
    for start in range(0, len(segments), size):
        yield segments[start : start + size]


def _document_bytes(document: Document) -> int:
    return document.characters + len(document.segments) * _SEGMENT_BYTES
