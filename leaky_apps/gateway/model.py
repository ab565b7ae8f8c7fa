"""The model: a fixed random projection, so that the same request always has the same answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS: Final = 16
FEATURES: Final = 16384
FEATURE_BYTES: Final = FEATURES * 4
"""64 KiB: what one response keeps, as float32."""


class Model:
    """Embeds a request of shape (rows, columns <= 16) into 16384 features."""

    def __init__(self) -> None:
        self._weights = np.random.default_rng(7).standard_normal((FEATURES, COLUMNS), dtype=np.float32)

    def features(self, data: NDArray[np.float32]) -> NDArray[np.float32]:
        """The feature block of `data`, shape (16384,), every page of it written."""
        mean = np.zeros(COLUMNS, dtype=np.float32)
        mean[: data.shape[1]] = data.mean(axis=0)
        block: NDArray[np.float32] = self._weights @ mean
        return np.tanh(block, out=block)


def prediction(block: NDArray[np.float32]) -> list[float]:
    """The four scores of a feature block that a client gets."""
    return [round(float(score), 6) for score in block[:4]]


def as_matrix(data: Any) -> NDArray[np.float32]:
    """`data` as a float32 matrix of at least one row and 1 to 16 columns.

    Raises:
        ValueError: says what is wrong with it.
    """
    try:
        matrix = np.asarray(data, dtype=np.float32)
    except (ValueError, TypeError) as e:
        raise ValueError(f"data: expected rows of numbers, all of one length: {e}") from e
    if matrix.ndim != 2 or not matrix.size or matrix.shape[1] > COLUMNS:  # noqa: PLR2004 - rows and columns
        raise ValueError(f"data: found shape {matrix.shape}; expected (rows, 1 to {COLUMNS} columns)")
    if not np.isfinite(matrix).all():
        raise ValueError("data: expected finite numbers")
    return matrix
