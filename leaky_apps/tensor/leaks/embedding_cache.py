"""A cache of embeddings on the device that forgot its bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.tensor.network import STATE_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.tensor.embeddings import Embeddings


class EmbeddingCache:
    """Each new key keeps its embedding. Switching it off stops the growth and releases nothing."""

    name = "embedding-cache"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(STATE_BYTES)
    request = "POST /predict with 32 rows and a new key"
    released_by: tuple[str, ...] = ("POST /admin/clear-embeddings", "restart")
    not_released_by: tuple[str, ...] = (
        "POST /admin/gc",
        "POST /admin/empty-cache",
        "POST /admin/drop-references",
        "switching the leak off",
    )
    twin = "the same cache, holding the 16 embeddings used last"

    def __init__(self, embeddings: Embeddings) -> None:
        self._embeddings = embeddings

    @property
    def on(self) -> bool:
        """Whether the cache is without a bound."""
        return not self._embeddings.bounded

    def switch(self, *, on: bool) -> None:
        """Take the bound away, or put one at the level that the cache stands at."""
        if on:
            self._embeddings.unbind()
        else:
            self._embeddings.bind()
