"""A limit on the batch that is not applied: a large order goes through the network in one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.tensor.network import ROWS, STATE_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.tensor.inference import Inference


class OversizedBatches:
    """An order of 1024 rows holds the states of all its rows until the client has read them. Nothing stays."""

    name = "oversized-batches"
    resource: Resource = "memory"
    growth: Growth = "peak"
    per_request = float(4 * 1024 // ROWS * STATE_BYTES)
    request = "POST /predict with 1024 rows"
    released_by: tuple[str, ...] = ("max_batch_size", "restart")
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/empty-cache")
    twin = "the same orders in batches of 32 rows, one after another"

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    @property
    def on(self) -> bool:
        """Whether orders are passed whole."""
        return self._inference.whole_orders

    def switch(self, *, on: bool) -> None:
        """Pass orders whole, or in batches."""
        self._inference.whole_orders = on
