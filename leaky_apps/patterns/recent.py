"""The receipts of the last orders, for the support desk that asks "what just happened?"."""

from __future__ import annotations

from collections import deque
from typing import Final

DEFAULT_MOST: Final = 32


class RecentReceipts:
    """A `collections.deque` with a `maxlen`; as a leak, a plain list that nobody shortens.

    Giving the deque a bound never drops what is held. Only `shorten` does, and so a drill can tell the end of the
    cause from the cure.
    """

    def __init__(self) -> None:
        self._most = DEFAULT_MOST
        self._receipts: deque[bytes] | list[bytes] = deque(maxlen=DEFAULT_MOST)

    def __len__(self) -> int:
        return len(self._receipts)

    @property
    def bounded(self) -> bool:
        """Whether a new receipt can push an old one out."""
        return isinstance(self._receipts, deque)

    @property
    def most(self) -> int:
        """The most that are kept, if a bound is in force and no more were held when it came into force."""
        return self._most

    @property
    def held_bytes(self) -> int:
        """Bytes of the receipts held."""
        return sum(map(len, self._receipts))

    def keep(self, receipt: bytes) -> None:
        """Remember `receipt`."""
        self._receipts.append(receipt)

    def unbind(self) -> None:
        """Drop nothing from now on."""
        self._receipts = list(self._receipts)

    def bind(self) -> None:
        """Drop one for each one kept, from the level held now or the configured bound on, whichever is higher."""
        self._receipts = deque(self._receipts, maxlen=max(self._most, len(self._receipts)))

    def shorten(self, most: int) -> None:
        """Keep the newest `most` and let go of the others."""
        self._most = most
        self._receipts = deque(self._receipts, maxlen=most)
