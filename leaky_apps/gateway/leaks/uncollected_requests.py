"""The collector was turned off for latency's sake, and requests refer to themselves."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from leaky_apps.gateway.call import TENSOR_BYTES
from leaky_apps.service.switched import Switched

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from leaky_apps.gateway.call import Call
    from leaky_apps.leak import Growth, Resource


class _Context:
    """The context of a request's callbacks. `finished` is a bound method of the context that holds it: a cycle."""

    def __init__(self, tensor: NDArray[np.float32]) -> None:
        self.tensor = tensor
        self.finished: Callable[[], None] | None = self.finish

    def finish(self) -> None:
        """Break the cycle."""
        self.finished = None


class UncollectedRequests(Switched):
    """Each request leaves a cycle behind, and nothing collects it.

    Switching it off brings the collector back, and sets apart what is there by then, so that only a cure releases it.
    """

    name = "uncollected-requests"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(TENSOR_BYTES)
    request = "POST /predict"
    released_by: tuple[str, ...] = ("POST /admin/gc", "gc_enabled of /admin/config", "restart")
    not_released_by: tuple[str, ...] = (
        "POST /admin/clear-cache",
        "POST /admin/clear-model-cache",
        "switching the leak off",
    )
    twin = "the same contexts, each taken apart when its request is answered"

    def switch(self, *, on: bool) -> None:
        """Leave cycles behind with the collector off, or leave none with the collector on."""
        super().switch(on=on)
        if on:
            gc.disable()
        else:
            gc.freeze()
            gc.enable()

    def see(self, call: Call) -> None:
        """Work on `call` in a context of its own."""
        context = _Context(call.tensor())
        if not self.on:
            context.finish()
