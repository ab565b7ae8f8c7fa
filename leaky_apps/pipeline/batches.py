"""Segments embedded batch by batch, each batch padded to its full shape: what makes batches dear when they are large.

A batch takes `batch_size * max_segment_length * 32` bytes, however little of it is talk. That is how batched models
are fed, and why both settings must be cut together when memory is short.
"""

from __future__ import annotations

import mmap
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from leaky_apps.pipeline.segments import Segment

FEATURES: Final = 8
CHARACTER_BYTES: Final = FEATURES * 4
"""What a character takes in a batch, as float32 features."""

_TABLE: Final = np.random.default_rng(3).standard_normal((256, FEATURES), dtype=np.float32)


class Batching:
    """The settings of batching.

    Attributes:
        batch_size: segments in a batch.
        max_segment_length: characters in a segment.
    """

    def __init__(self, batch_size: int = 10, max_segment_length: int = 3000) -> None:
        self.batch_size = batch_size
        self.max_segment_length = max_segment_length
        self.held_bytes = 0

    @property
    def padded_bytes(self) -> int:
        """The bytes of one batch."""
        return self.batch_size * self.max_segment_length * CHARACTER_BYTES

    @contextmanager
    def embedded(self, batch: Sequence[Segment]) -> Iterator[NDArray[np.float32]]:
        """The features of `batch`, shape (batch_size, max_segment_length, 8), held until the block is left.

        The pages are the system's own and go back to it at once: from malloc, a batch would stay in the heap after
        the first one, because glibc then raises the size above which it asks the system for pages.
        """
        shape = (self.batch_size, max(self.max_segment_length, *(len(s.text) for s in batch)), FEATURES)
        pages = mmap.mmap(-1, int(np.prod(shape)) * 4, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.held_bytes += len(pages)
        try:
            yield _embed(batch, np.frombuffer(pages, dtype=np.float32).reshape(shape))
        finally:
            self.held_bytes -= len(pages)


def _embed(batch: Sequence[Segment], features: NDArray[np.float32]) -> NDArray[np.float32]:
    for row, segment in zip(features, batch, strict=False):
        codes = np.frombuffer(segment.text.encode("latin-1", "replace"), dtype=np.uint8)
        row[: len(codes)] = _TABLE[codes]
        row[len(codes) :] = _TABLE[0]
    features[len(batch) :] = _TABLE[0]
    return features
