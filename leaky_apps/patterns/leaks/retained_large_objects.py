"""Documents that are kept after they were sent. The cure is to stream: a generator makes the rows and forgets them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.patterns.exports import DOCUMENT_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.patterns.exports import Exports


class RetainedLargeObjects:
    """Every export is built whole and kept. Switching it off streams the next ones and keeps what is there."""

    name = "retained-large-objects"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(DOCUMENT_BYTES)
    request = "POST /exports of 512 rows"
    released_by: tuple[str, ...] = ("restart",)
    not_released_by: tuple[str, ...] = (
        "POST /admin/gc",
        "POST /admin/clear-cache",
        'POST /admin/config {"stream_exports": true}, which ends the growth',
        "switching the leak off",
    )
    twin = "rows come from a generator, 32 KiB at a time, and nothing is kept"

    def __init__(self, exports: Exports) -> None:
        self._exports = exports

    @property
    def on(self) -> bool:
        """Whether documents are built and kept."""
        return not self._exports.streamed

    def switch(self, *, on: bool) -> None:
        """Build and keep, or stream."""
        self._exports.streamed = not on
