"""The model cache on the disk is never pruned: the file of each version stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.gateway.model_store import WEIGHT_BYTES

if TYPE_CHECKING:
    from leaky_apps.gateway.model_store import ModelStore
    from leaky_apps.leak import Growth, Resource


class StaleModelFiles:
    """Each version leaves its file behind. Memory stays as it is."""

    name = "stale-model-files"
    resource: Resource = "disk"
    growth: Growth = "kept"
    per_request = float(WEIGHT_BYTES)
    request = "POST /predict with a new model version"
    released_by: tuple[str, ...] = ("POST /admin/clear-model-cache", "deleting model_cache/*.bin")
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/clear-cache", "restart", "rotating the log")
    twin = "the same requests, keeping the files of 4 versions"

    def __init__(self, store: ModelStore) -> None:
        self._store = store

    @property
    def on(self) -> bool:
        """Whether files stay."""
        return not self._store.prune

    def switch(self, *, on: bool) -> None:
        """Stop removing files, or go on with it."""
        self._store.prune = not on
