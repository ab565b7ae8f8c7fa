"""Price tables by article and customer, computed once and then cached."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Table = NDArray[np.float64]

DEFAULT_MAX_ENTRIES: Final = 32
_PRICES: Final = 8192
TABLE_BYTES: Final = _PRICES * 8
"""64 KiB: one price table, a price for each quantity."""


def price_table(key: str) -> Table:
    """The prices for `key`, by quantity: dearer articles by their checksum, and a discount that grows with quantity."""
    base = 1 + zlib.crc32(key.encode()) % 10_000 / 100
    discount = np.linspace(1.0, 0.8, _PRICES)
    return np.multiply(discount, base, out=discount)


class QuoteCache:
    """`functools.lru_cache` around `price_table`; as a leak, a dict from which nothing is ever evicted."""

    def __init__(self) -> None:
        self.evicting = True
        self._max_entries = DEFAULT_MAX_ENTRIES
        self._lru = lru_cache(DEFAULT_MAX_ENTRIES)(price_table)
        self._kept: dict[str, Table] = {}

    def __len__(self) -> int:
        return self._lru.cache_info().currsize + len(self._kept)

    @property
    def max_entries(self) -> int:
        """The most tables that the evicting cache holds."""
        return self._max_entries

    @max_entries.setter
    def max_entries(self, count: int) -> None:
        self._max_entries = count
        self._lru = lru_cache(count)(price_table)

    @property
    def held_bytes(self) -> int:
        """Bytes of the tables held."""
        return len(self) * TABLE_BYTES

    def table(self, key: str) -> Table:
        """The prices for `key`, computed where they are not held."""
        if self.evicting:
            return self._kept[key] if key in self._kept else self._lru(key)
        if key not in self._kept:
            self._kept[key] = price_table(key)
        return self._kept[key]

    def clear(self) -> int:
        """Let go of every table, and return how many those were."""
        count = len(self)
        self._lru.cache_clear()
        self._kept = {}
        return count
