"""A response cache that forgot its bound: a common leak of Python services, and no garbage collector cures it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.gateway.model import FEATURE_BYTES

if TYPE_CHECKING:
    from leaky_apps.gateway.cache import ResponseCache
    from leaky_apps.leak import Growth, Resource


class UnboundedCache:
    """Each new key keeps its feature block for good. Switching it off stops the growth and releases nothing."""

    name = "unbounded-cache"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(FEATURE_BYTES)
    request = "POST /predict with a new key"
    released_by: tuple[str, ...] = ("POST /admin/clear-cache", "restart")
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "switching the leak off", "lowering cache_max_entries")
    twin = "the same cache, holding the 64 entries used last"

    def __init__(self, cache: ResponseCache) -> None:
        self._cache = cache

    @property
    def on(self) -> bool:
        """Whether the cache is without a bound."""
        return not self._cache.bounded

    def switch(self, *, on: bool) -> None:
        """Take the bound away, or put one at the level that the cache stands at."""
        if on:
            self._cache.unbind()
        else:
            self._cache.bind()
