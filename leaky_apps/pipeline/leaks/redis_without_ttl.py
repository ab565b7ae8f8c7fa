"""Entries put into a Redis without `maxmemory`, without a time to live: a cache that became a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.pipeline.redis_cache import RedisCache


class RedisWithoutTtl:
    """Each new episode stays in Redis for good.

    Switching it off gives new entries their time again and no old one, and bounds Redis at what it holds by then.
    """

    name = "redis-without-ttl"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = 58.0 * 1024
    request = "POST /episodes with a new seed"
    released_by: tuple[str, ...] = ("redis-cli FLUSHDB", "POST /admin/clear-caches", "restart")
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/prune-graph", "switching the leak off")
    twin = "the same cache; entries expire, and beyond 4 MiB those used longest ago go first"

    def __init__(self, cache: RedisCache) -> None:
        self._cache = cache

    @property
    def on(self) -> bool:
        """Whether new entries never expire."""
        return not self._cache.expiring

    def switch(self, *, on: bool) -> None:
        """Give new entries no time to live and Redis no bound, or both again."""
        if on:
            self._cache.unbind()
        else:
            self._cache.bind()
