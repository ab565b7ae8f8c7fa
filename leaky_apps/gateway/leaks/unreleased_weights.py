"""Each model version that was ever asked for stays loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.gateway.model_store import WEIGHT_BYTES

if TYPE_CHECKING:
    from leaky_apps.gateway.model_store import ModelStore
    from leaky_apps.leak import Growth, Resource


class UnreleasedWeights:
    """Loading a version lets no other go. Switching it off lets one go for each one loaded."""

    name = "unreleased-weights"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(WEIGHT_BYTES)
    request = "POST /predict with a new model version"
    released_by: tuple[str, ...] = ("POST /admin/clear-model-cache", "restart")
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/clear-cache", "switching the leak off")
    twin = "the same requests, holding the 4 versions used last"

    def __init__(self, store: ModelStore) -> None:
        self._store = store

    @property
    def on(self) -> bool:
        """Whether versions stay loaded."""
        return not self._store.release

    def switch(self, *, on: bool) -> None:
        """Stop letting versions go, or go on with it."""
        self._store.release = not on
