"""The collector was told to hardly ever run, for speed, and every document is a cycle that only it can free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.pipeline.collector import NEVER

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.pipeline.collector import Collector


class LateCollection:
    """Documents that nobody uses any more pile up as garbage.

    Switching it off takes documents apart by hand again and leaves the thresholds as they are: what has piled up waits
    for a collection.
    """

    name = "late-collection"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = 56.0 * 1024
    request = "POST /episodes with a new seed"
    released_by: tuple[str, ...] = ("POST /admin/gc", "gc_threshold [700, 10, 10] in /admin/config", "restart")
    not_released_by: tuple[str, ...] = (
        "POST /admin/clear-caches",
        "POST /admin/drop-results",
        "switching the leak off",
    )
    twin = "documents that are taken apart when their episode is done, and the collector's usual thresholds"

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    @property
    def on(self) -> bool:
        """Whether documents are left to a collector that does not run."""
        return not self._collector.by_hand and self._collector.thresholds[0] >= NEVER

    def switch(self, *, on: bool) -> None:
        """Leave documents to a collector that hardly ever runs, or take them apart by hand."""
        self._collector.by_hand = not on
        if on:
            self._collector.thresholds = [NEVER, 10, 10]
