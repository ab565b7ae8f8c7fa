"""What builds made, kept in the runner by commit, so that the same commit is not built twice."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

MOST: Final = 8


class OutputCache:
    """The outputs used last. The bound never falls below what is held when it comes back."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._bound: int | None = MOST

    def __len__(self) -> int:
        return len(self._held)

    @property
    def bounded(self) -> bool:
        """Whether a new output can push an old one out."""
        return self._bound is not None

    def get(self, commit: str) -> bytes | None:
        """The output of `commit`; None when it is not held."""
        return self._held.get(commit)

    def put(self, commit: str, output: bytes) -> None:
        """Keep `output`; one in, at most one out."""
        if self._bound is not None and commit not in self._held and len(self._held) >= self._bound:
            self._held.popitem(last=False)
        self._held[commit] = output

    def unbind(self) -> None:
        """Evict nothing from now on."""
        self._bound = None

    def bind(self) -> None:
        """Evict one for each one put, from the level held now on."""
        self._bound = max(MOST, len(self._held))

    def clear(self) -> int:
        """Let go of every output, and return how many there were. A leak that is on stays on."""
        count = len(self._held)
        self._held.clear()
        if self.bounded:
            self.bind()
        return count
