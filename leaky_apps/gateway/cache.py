"""The response cache: least recently used goes first, as long as there is a bound."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_MAX_ENTRIES: Final = 64


class ResponseCache:
    """Feature blocks by request key.

    The bound never falls below what is held: neither `bind` nor a lower `max_entries` releases anything. Only `clear`
    does, and so a drill can tell the end of the cause from the cure.
    """

    def __init__(self, max_entries: int = DEFAULT_MAX_ENTRIES) -> None:
        self._blocks: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._max_entries = max_entries
        self._bound: int | None = max_entries
        self.held_bytes = 0

    def __len__(self) -> int:
        return len(self._blocks)

    @property
    def bounded(self) -> bool:
        """Whether a new entry can push an old one out."""
        return self._bound is not None

    @property
    def max_entries(self) -> int:
        """The configured bound; in force when `bounded`, from the next `clear` on where more is held."""
        return self._max_entries

    @max_entries.setter
    def max_entries(self, count: int) -> None:
        self._max_entries = count
        if self.bounded:
            self.bind()

    def get(self, key: str) -> NDArray[np.float32] | None:
        """The block of `key`, which becomes the one used last; None when it is not held."""
        block = self._blocks.get(key)
        if block is not None:
            self._blocks.move_to_end(key)
        return block

    def put(self, key: str, block: NDArray[np.float32]) -> None:
        """Keep `block`, which is not held yet; one in, at most one out."""
        if self._bound is not None and len(self._blocks) >= self._bound:
            _, oldest = self._blocks.popitem(last=False)
            self.held_bytes -= oldest.nbytes
        self._blocks[key] = block
        self.held_bytes += block.nbytes

    def unbind(self) -> None:
        """Evict nothing from now on."""
        self._bound = None

    def bind(self) -> None:
        """Evict one for each one put, beyond the level held now or the configured bound, whichever is higher."""
        self._bound = max(self._max_entries, len(self._blocks))

    def clear(self) -> int:
        """Let go of everything, and return how many entries that were. A leak that is on stays on."""
        count = len(self._blocks)
        self._blocks.clear()
        self.held_bytes = 0
        if self.bounded:
            self.bind()
        return count
