"""A cache of outputs in the runner that forgot its bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.runner.build import OUTPUT_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.runner.output_cache import OutputCache


class UnboundedOutputs:
    """Each new commit keeps its output for good. Switching it off stops the growth and releases nothing."""

    name = "unbounded-outputs"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(OUTPUT_BYTES)
    request = "POST /builds with a new commit"
    released_by: tuple[str, ...] = ("POST /admin/clear-outputs", "restart")
    not_released_by: tuple[str, ...] = (
        "POST /admin/gc",
        "ending builds",
        "deleting workspaces",
        "switching the leak off",
    )
    twin = "the same cache, holding the 8 outputs used last"

    def __init__(self, cache: OutputCache) -> None:
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
