"""The trail of requests, kept for support, has lost its length."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from leaky_apps.gateway.call import TENSOR_BYTES
from leaky_apps.service.switched import Switched

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from leaky_apps.gateway.call import Call
    from leaky_apps.leak import Growth, Resource


_KEPT: Final = 16


class RetainedRequests(Switched):
    """Each request's tensor joins the trail; while the leak is on, none leaves it."""

    name = "retained-requests"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(TENSOR_BYTES)
    request = "POST /predict"
    released_by: tuple[str, ...] = ("restart",)
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/clear-cache", "switching the leak off")
    twin = "a trail of the last 16 requests"

    def __init__(self) -> None:
        super().__init__()
        self._trail: deque[NDArray[np.float32]] = deque()

    def see(self, call: Call) -> None:
        """Add `call` to the trail, and let the oldest go where there are enough."""
        if not self.on and len(self._trail) >= _KEPT:
            self._trail.popleft()
        self._trail.append(call.tensor())
