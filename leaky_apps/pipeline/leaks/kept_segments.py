"""Documents kept "for debugging", all of them: no cache, so no clearing of caches finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.pipeline.processing import Processing


class KeptSegments:
    """Each processed document stays, with its segments. Switching it off stops the growth and releases nothing."""

    name = "kept-segments"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = 58.0 * 1024
    request = "POST /episodes with a new seed"
    released_by: tuple[str, ...] = ("POST /admin/drop-results", "restart")
    not_released_by: tuple[str, ...] = ("POST /admin/clear-caches", "POST /admin/gc", "switching the leak off")
    twin = "the 4 documents processed last"

    def __init__(self, processing: Processing) -> None:
        self._results = processing.results

    @property
    def on(self) -> bool:
        """Whether every document is kept."""
        return not self._results.bounded

    def switch(self, *, on: bool) -> None:
        """Keep every document, or no more than there are now."""
        if on:
            self._results.unbind()
        else:
            self._results.bind()
