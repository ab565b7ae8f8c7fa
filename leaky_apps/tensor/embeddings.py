"""Embeddings kept on the device by key, so that a repeated request costs nothing."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from torch import Tensor

MOST: Final = 16


class Embeddings:
    """The embeddings used last.

    The bound never falls below what is held when it comes back, so that the end of the cause is no cure.
    """

    def __init__(self) -> None:
        self._held: OrderedDict[str, Tensor] = OrderedDict()
        self._bound: int | None = MOST

    def __len__(self) -> int:
        return len(self._held)

    @property
    def bounded(self) -> bool:
        """Whether a new embedding can push an old one out."""
        return self._bound is not None

    def put(self, key: str, embedding: Tensor) -> None:
        """Keep `embedding`; one in, at most one out."""
        if self._bound is not None and key not in self._held and len(self._held) >= self._bound:
            self._held.popitem(last=False)
        self._held[key] = embedding

    def unbind(self) -> None:
        """Evict nothing from now on."""
        self._bound = None

    def bind(self) -> None:
        """Evict one for each one put, from the level held now on."""
        self._bound = max(MOST, len(self._held))

    def clear(self) -> int:
        """Let go of every embedding, and return how many there were. A leak that is on stays on."""
        count = len(self._held)
        self._held.clear()
        if self.bounded:
            self.bind()
        return count
