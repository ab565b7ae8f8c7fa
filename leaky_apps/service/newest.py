"""The newest entries by key, as long as there is a bound."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """Holds the `most` entries that came last.

    The bound never falls below what is held when it comes back, so that the end of the cause is no cure.
    """

    def __init__(self, most: int) -> None:
        self._held: OrderedDict[str, T] = OrderedDict()
        self._most = most
        self._bound: int | None = most

    def __len__(self) -> int:
        return len(self._held)

    @property
    def bounded(self) -> bool:
        """Whether a new entry can push an old one out."""
        return self._bound is not None

    def get(self, key: str) -> T | None:
        """The entry of `key`; None when it is not held."""
        return self._held.get(key)

    def put(self, key: str, entry: T) -> None:
        """Keep `entry`; one in, at most one out."""
        if self._bound is not None and key not in self._held and len(self._held) >= self._bound:
            self._held.popitem(last=False)
        self._held[key] = entry

    def unbind(self) -> None:
        """Evict nothing from now on."""
        self._bound = None

    def bind(self) -> None:
        """Evict one for each one put, from the level held now on."""
        self._bound = max(self._most, len(self._held))

    def clear(self) -> int:
        """Let go of every entry, and return how many there were. A leak that is on stays on."""
        count = len(self._held)
        self._held.clear()
        if self.bounded:
            self.bind()
        return count
