"""The cache in the process forgot its bound. Emptying Redis, a cache as well, does nothing for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.pipeline.caches import Caches


class UnboundedProcessCache:
    """Each new episode's annotation stays in the process. Switching it off stops the growth and releases nothing."""

    name = "unbounded-process-cache"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = 54.0 * 1024
    request = "POST /episodes with a new seed"
    released_by: tuple[str, ...] = (
        "POST /admin/clear-caches",
        "python -m leaky_apps.pipeline.caches --port N",
        "restart",
    )
    not_released_by: tuple[str, ...] = (
        "redis-cli FLUSHDB",
        "POST /admin/gc",
        "clear_caches() in another Python",
        "switching the leak off",
    )
    twin = "the same cache, holding the 32 episodes used last"

    def __init__(self, caches: Caches) -> None:
        self._cache = caches.process

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
