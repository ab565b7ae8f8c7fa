"""Batches set so large that a few episodes at once fill the memory, which is all free again between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leaky_apps.pipeline.batches import CHARACTER_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.pipeline.batches import Batching

BATCH_SIZE: Final = 64
MAX_SEGMENT_LENGTH: Final = 6000


class LargeBatches:
    """Every episode in work holds a batch of 64 segments of 6000 characters, padded.

    Switching it off sets the sizes that were in force before.
    """

    name = "large-batches"
    resource: Resource = "memory"
    growth: Growth = "peak"
    per_request = float(BATCH_SIZE * MAX_SEGMENT_LENGTH * CHARACTER_BYTES)
    request = "POST /episodes with a new seed"
    released_by: tuple[str, ...] = ("smaller batch_size and max_segment_length in /admin/config", "restart")
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/clear-caches")
    twin = "batches of 10 segments of 3000 characters: less than a tenth of it"

    def __init__(self, batching: Batching) -> None:
        self._batching = batching
        self._before: tuple[int, int] | None = None

    @property
    def on(self) -> bool:
        """Whether batches are as large as that; a runbook that makes them smaller ends it."""
        return self._batching.padded_bytes >= self.per_request

    def switch(self, *, on: bool) -> None:
        """Make the batches large, or as large as they were."""
        batching = self._batching
        if on:
            if not self.on:
                self._before = batching.batch_size, batching.max_segment_length
            batching.batch_size, batching.max_segment_length = BATCH_SIZE, MAX_SEGMENT_LENGTH
        elif self.on and self._before is not None:
            batching.batch_size, batching.max_segment_length = self._before
