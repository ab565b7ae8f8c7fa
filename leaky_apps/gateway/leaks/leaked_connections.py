"""A connection to the feature store does not go back to the pool after its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leaky_apps.gateway.feature_store import FeatureStore
    from leaky_apps.leak import Growth, Resource


class LeakedConnections:
    """Each request opens a connection and loses it. Those that are lost stay lost."""

    name = "leaked-connections"
    resource: Resource = "descriptors"
    growth: Growth = "kept"
    per_request = 2.0
    request = "POST /predict; both ends of a connection are in this process"
    released_by: tuple[str, ...] = ("restart",)
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/clear-cache", "switching the leak off")
    twin = "a pool of at most 4 idle connections"

    def __init__(self, store: FeatureStore) -> None:
        self._store = store

    @property
    def on(self) -> bool:
        """Whether connections are lost."""
        return not self._store.return_connections

    def switch(self, *, on: bool) -> None:
        """Stop returning connections to the pool, or go on with it."""
        self._store.return_connections = not on
