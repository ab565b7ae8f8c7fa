"""A store that evicts the oldest, as long as there is a bound."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


class BoundedStore(Generic[T]):
    """Values by key, the ones used last.

    The bound never falls below what is held: neither `bind` nor a lower `max_entries` releases anything. Only `shrink`
    and `clear` do, and so a drill can tell the end of the cause from the cure.

    Args:
        max_entries: the bound.
        weigh: how many bytes a value holds.
    """

    def __init__(self, max_entries: int, weigh: Callable[[T], int]) -> None:
        # Weights have a dictionary of their own: CPython keeps two thousand dead pairs for later, and those would pin
        # the memory around them after the store was emptied.
        self._values: OrderedDict[str, T] = OrderedDict()
        self._weights: dict[str, int] = {}
        self._weigh = weigh
        self._max_entries = max_entries
        self._bound: int | None = max_entries
        self.held_bytes = 0

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[T]:
        return iter(self._values.values())

    @property
    def bounded(self) -> bool:
        """Whether a new entry can push an old one out."""
        return self._bound is not None

    @property
    def max_entries(self) -> int:
        """The configured bound; in force when `bounded`, from the next `shrink` or `clear` on where more is held."""
        return self._max_entries

    @max_entries.setter
    def max_entries(self, count: int) -> None:
        self._max_entries = count
        if self.bounded:
            self.bind()

    def get(self, key: str) -> T | None:
        """The value of `key`, which becomes the one used last; None when it is not held."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: str, value: T) -> None:
        """Keep `value`; one in, at most one out."""
        self._forget(key)
        if self._bound is not None and len(self._values) >= self._bound:
            self._forget(next(iter(self._values)))
        self._values[key] = value
        self._weights[key] = self._weigh(value)
        self.held_bytes += self._weights[key]

    def unbind(self) -> None:
        """Evict nothing from now on."""
        self._bound = None

    def bind(self) -> None:
        """Evict one for each one put, beyond the level held now or the configured bound, whichever is higher."""
        self._bound = max(self._max_entries, len(self._values))

    def shrink(self, to: int) -> int:
        """Let go of the oldest until `to` are held; returns how many went. A leak that is on stays on."""
        before = len(self._values)
        while len(self._values) > to:
            self._forget(next(iter(self._values)))
        if self.bounded:
            self.bind()
        return before - len(self._values)

    def clear(self) -> int:
        """Let go of everything; returns how many entries that were."""
        return self.shrink(0)

    def _forget(self, key: str) -> None:
        self._values.pop(key, None)
        self.held_bytes -= self._weights.pop(key, 0)
