"""Tables that are made whole, however large. The cure is to work through them in chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.patterns.reports import TABLE_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.patterns.reports import Reports


class LargeAllocations:
    """Every report holds all its rows at once until the last one is sent. Nothing stays: the peak is the harm."""

    name = "large-allocations"
    resource: Resource = "memory"
    growth: Growth = "peak"
    per_request = float(TABLE_BYTES)
    request = "POST /reports of 12288 rows"
    released_by: tuple[str, ...] = ('POST /admin/config {"report_chunk_rows": 1024}', "switching the leak off")
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/clear-cache", "restart")
    twin = "chunks of 1024 rows, 512 KiB, of which one is held at a time"

    def __init__(self, reports: Reports) -> None:
        self._reports = reports

    @property
    def on(self) -> bool:
        """Whether tables are made whole."""
        return self._reports.whole

    def switch(self, *, on: bool) -> None:
        """Make tables whole, or in chunks."""
        self._reports.whole = on
