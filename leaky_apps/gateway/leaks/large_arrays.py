"""All candidates of a reranking are scored in one array, held until downstream has taken it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leaky_apps.service.switched import Switched

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leaky_apps.gateway.inference import Inference
    from leaky_apps.leak import Growth, Resource


_PER_BATCH_ROW: Final = 96
_FEATURES: Final = 1024
_CHUNK_ROWS: Final = 64
_FULL_BATCH: Final = 32


class LargeArrays(Switched):
    """One array a request: 96 candidates for each row of a full batch, of 1024 features each."""

    name = "large-arrays"
    resource: Resource = "memory"
    growth: Growth = "peak"
    per_request = float(_FULL_BATCH * _PER_BATCH_ROW * _FEATURES * 4)
    request = 'POST /predict with "rerank": true, each for about 150 ms'
    released_by: tuple[str, ...] = (
        "a lower max_batch_size of /admin/config",
        "a lower max_result_bytes of /admin/config",
        "fewer num_workers of /admin/config",
        "use_quantization of /admin/config",
    )
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/clear-cache")
    twin = "the same candidates in chunks of 256 KiB"

    def __init__(self, inference: Inference) -> None:
        super().__init__()
        self._inference = inference

    def score(self, block: NDArray[np.float32]) -> NDArray[np.floating]:
        """The scores of all candidates, or, with the leak off, of the last chunk of them."""
        width = self._inference.element_bytes
        rows = min(
            self._inference.max_batch_size * _PER_BATCH_ROW, self._inference.max_result_bytes // (_FEATURES * width)
        )
        dtype = np.dtype(f"f{width}")
        features = block[:_FEATURES].astype(dtype)
        if self.on:
            return _chunk(features, max(1, rows))
        scores = _chunk(features, 1)
        for begin in range(0, rows, _CHUNK_ROWS):
            scores = _chunk(features, min(_CHUNK_ROWS, rows - begin))
        return scores


def _chunk(features: NDArray[np.floating], rows: int) -> NDArray[np.floating]:
    scores = np.empty((rows, _FEATURES), dtype=features.dtype)
    scores[:] = features
    return scores
