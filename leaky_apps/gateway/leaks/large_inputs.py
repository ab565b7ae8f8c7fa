"""A request is padded to a full batch instead of being cut to its own rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leaky_apps.service.spend import spend
from leaky_apps.service.switched import Switched

if TYPE_CHECKING:
    from leaky_apps.gateway.call import Call
    from leaky_apps.gateway.inference import Inference
    from leaky_apps.leak import Growth, Resource


_ROW_COST_S: Final = 0.0005
_FULL_BATCH: Final = 32


class LargeInputs(Switched):
    """Inference on every row of a full batch, at 0.5 ms of processor time a row."""

    name = "large-inputs"
    resource: Resource = "cpu"
    growth: Growth = "kept"
    per_request = _FULL_BATCH * _ROW_COST_S
    request = "POST /predict"
    released_by: tuple[str, ...] = (
        "a lower max_batch_size of /admin/config",
        "use_quantization of /admin/config",
        "fewer num_workers of /admin/config, where requests also wait for downstream",
        "restart",
    )
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/clear-cache", "a lower max_payload_bytes")
    twin = "inference on the rows that the request has"

    def __init__(self, inference: Inference) -> None:
        super().__init__()
        self._inference = inference
        self._layer = np.full((64, 64), 0.01, dtype=np.float32)

    def see(self, call: Call) -> None:
        """Put `call` through the layers of the model."""
        if self.on:
            rows = max(self._inference.max_batch_size, call.matrix.shape[0])
            spend(rows * _ROW_COST_S * self._inference.row_cost, lambda: self._layer @ self._layer)
