"""The total of an order: a basket of lines, each of which knows its basket.

The basket holds its lines and each line refers back to it: a cycle, unless one direction is weak. A cycle is freed by
Python's collector alone, and a service that turns the collector off for the sake of its latency never frees it. What
hangs on it is far larger than it looks: the collector counts objects, and not the buffers of numpy behind them.
"""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Final

import numpy as np

from leaky_apps.service import memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from leaky_apps.patterns.order import Item, Order

LINES: Final = 4
_WEIGHTS: Final = 2048
BASKET_BYTES: Final = LINES * _WEIGHTS * 8
"""64 KiB: the buffers of one basket, 16 KiB for each of its lines, however many items were ordered."""


class Basket:
    """The lines of one order, and what all of them share."""

    def __init__(self, order: Order, *, weak: bool) -> None:
        self.factor = 0.9 if len(order.items) >= LINES else 1.0
        back: Callable[[], Basket | None] = weakref.ref(self) if weak else lambda: self
        self.lines = [Line(back, order.items[number % len(order.items)]) for number in range(LINES)]

    def total(self) -> float:
        """The total of the basket."""
        return float(sum(line.price() for line in self.lines))


class Line:
    """One line of a basket.

    Args:
        basket: leads back to the basket; None when that is gone.
        item: what was ordered.
    """

    def __init__(self, basket: Callable[[], Basket | None], item: Item) -> None:
        self._basket = basket
        self.weights: NDArray[np.float64] = np.full(_WEIGHTS, float(item.quantity))

    def price(self) -> float:
        """The price of the line, at its basket's terms."""
        basket = self._basket()
        return float(self.weights.mean()) * (basket.factor if basket else 1.0)


class Baskets:
    """Makes the baskets of one service.

    Attributes:
        weak: lines refer to their basket weakly, so that it is freed as soon as it was added up.
    """

    def __init__(self) -> None:
        self.weak = True

    def total(self, order: Order) -> float:
        """The total of `order`."""
        return Basket(order, weak=self.weak).total()

    def tie(self) -> None:
        """Let lines hold their baskets, and turn the collector off."""
        self.weak = False
        gc.disable()

    def untie(self) -> None:
        """Make references weak again. The collector stays off: on, it would free what is there before any step did."""
        self.weak = True

    def collect(self) -> dict[str, object]:
        """Run the collector, give memory back, and turn the collector on again unless cycles are still being made."""
        freed = memory.collect()
        if self.weak:
            gc.enable()
        return {**freed, "collector_on": gc.isenabled()}
