"""A loop that polls without sleeping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leaky_apps.service.spend import spend
from leaky_apps.service.switched import Switched

if TYPE_CHECKING:
    from leaky_apps.gateway.call import Call
    from leaky_apps.leak import Growth, Resource


_COST_S: Final = 0.015


class HotLoop(Switched):
    """Each request spins for 15 ms of processor time before it is worked on."""

    name = "hot-loop"
    resource: Resource = "cpu"
    growth: Growth = "kept"
    per_request = _COST_S
    request = "POST /predict"
    released_by: tuple[str, ...] = ("POST /admin/mode degraded", "rate_limit_enabled of /admin/config", "restart")
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/clear-cache", "a lower max_batch_size")
    twin = "no poll: the event loop says when the request may go on"

    def see(self, call: Call) -> None:
        """Wait for the turn of `call`."""
        if self.on:
            spend(_COST_S, lambda: _poll(call))


def _poll(call: Call) -> bool:
    return all(call.request_id for _ in range(100))
