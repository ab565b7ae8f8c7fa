"""Cycles that hold native buffers, with the collector off. The cure is `weakref` for one direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.patterns.baskets import BASKET_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.patterns.baskets import Baskets


class ReferenceCycles:
    """Every order leaves a basket and its lines behind, holding each other. Here, and only here, the collector helps.

    Switching it off makes the references back weak, and leaves the collector off: nothing then needs it.
    """

    name = "reference-cycles"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(BASKET_BYTES)
    request = "POST /orders"
    released_by: tuple[str, ...] = ("POST /admin/gc", "restart")
    not_released_by: tuple[str, ...] = ("POST /admin/clear-cache", "POST /admin/config", "switching the leak off")
    twin = "lines refer to their basket by weakref, and it is freed with the answer"

    def __init__(self, baskets: Baskets) -> None:
        self._baskets = baskets

    @property
    def on(self) -> bool:
        """Whether baskets and lines hold each other."""
        return not self._baskets.weak

    def switch(self, *, on: bool) -> None:
        """Tie cycles and turn the collector off, or refer back weakly."""
        if on:
            self._baskets.tie()
        else:
            self._baskets.untie()
