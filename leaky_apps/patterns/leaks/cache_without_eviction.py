"""A cache from which nothing is ever evicted. The cure is `functools.lru_cache` with a size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.patterns.quotes import TABLE_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.patterns.quotes import QuoteCache


class CacheWithoutEviction:
    """Every new price table goes into a dict for good. Switched off, new ones are cached least recently used."""

    name = "cache-without-eviction"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(TABLE_BYTES)
    request = "GET /quotes with an article that is new"
    released_by: tuple[str, ...] = ("POST /admin/clear-cache", "restart")
    not_released_by: tuple[str, ...] = (
        "POST /admin/gc",
        'POST /admin/config {"cache_max_entries": 32}',
        "switching the leak off",
    )
    twin = "functools.lru_cache around the same function, holding 32 tables"

    def __init__(self, quotes: QuoteCache) -> None:
        self._quotes = quotes

    @property
    def on(self) -> bool:
        """Whether nothing is evicted."""
        return not self._quotes.evicting

    def switch(self, *, on: bool) -> None:
        """Cache in a plain dict, or through `lru_cache`."""
        self._quotes.evicting = not on
