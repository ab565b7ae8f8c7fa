"""Each layer of the service parses the body again, and writes it out for the next."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from leaky_apps.service.spend import spend
from leaky_apps.service.switched import Switched

if TYPE_CHECKING:
    from leaky_apps.gateway.call import Call
    from leaky_apps.leak import Growth, Resource


_COST_S: Final = 0.02
_BODY_BYTES: Final = 64 * 1024
_PIECE: Final = 4096


class HugeJson(Switched):
    """A body costs 20 ms of processor time for each 64 KiB of it."""

    name = "huge-json"
    resource: Resource = "cpu"
    growth: Growth = "kept"
    per_request = _COST_S
    request = "POST /predict with a body of 64 KiB"
    released_by: tuple[str, ...] = (
        "a lower max_payload_bytes of /admin/config",
        "rate_limit_enabled of /admin/config",
        "restart",
    )
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/clear-cache", "a lower max_batch_size")
    twin = "the body is parsed once"

    def see(self, call: Call) -> None:
        """Hand `call` through the layers."""
        if self.on:
            piece = call.body[:_PIECE].decode(errors="replace")
            spend(_COST_S * len(call.body) / _BODY_BYTES, lambda: json.loads(json.dumps([piece] * 4)))
