"""Settings that can be changed at run time: bounds, sizes of batches and chunks, and streaming."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leaky_apps.service import memory
from leaky_apps.service.settings import Setting, Settings, attribute, flag, whole

if TYPE_CHECKING:
    from leaky_apps.patterns.holdings import Holdings

_MOST: Final = 1_000_000


def patterns_settings(holdings: Holdings) -> Settings:
    """The settings of an order processor that has these holdings."""

    def shorten(most: int) -> None:
        holdings.recent.shorten(most)
        memory.trim()

    return Settings(
        {
            "recent_max": Setting(whole(1, _MOST), lambda: holdings.recent.most, shorten),
            "cache_max_entries": attribute(whole(1, _MOST), holdings.quotes, "max_entries"),
            "audit_batch": attribute(whole(1, _MOST), holdings.audit, "batch"),
            "stream_exports": attribute(flag(), holdings.exports, "streamed"),
            "report_chunk_rows": attribute(whole(1, _MOST), holdings.reports, "chunk_rows"),
        }
    )
