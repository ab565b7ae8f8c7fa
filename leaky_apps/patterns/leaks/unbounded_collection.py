"""A collection that only ever gets longer. The cure is a bound: `collections.deque` with a `maxlen`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.patterns.order import RECEIPT_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.patterns.recent import RecentReceipts


class UnboundedCollection:
    """Every receipt is appended to a plain list. Switching it off bounds the list at the length it has."""

    name = "unbounded-collection"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(RECEIPT_BYTES)
    request = "POST /orders"
    released_by: tuple[str, ...] = ('POST /admin/config {"recent_max": 32}', "restart")
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/clear-cache", "switching the leak off")
    twin = "a deque that keeps the newest 32 receipts"

    def __init__(self, recent: RecentReceipts) -> None:
        self._recent = recent

    @property
    def on(self) -> bool:
        """Whether the collection is without a bound."""
        return not self._recent.bounded

    def switch(self, *, on: bool) -> None:
        """Take the bound away, or put one at the length of now."""
        if on:
            self._recent.unbind()
        else:
            self._recent.bind()
