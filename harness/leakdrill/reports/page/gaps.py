"""Where nothing was read a curve has a hole: a line across it would show what nobody measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LONGEST: Final = 5
"""In usual distances between readings; less is a reading that came late."""
_LEAST_S: Final = 2.0


def with_gaps(t: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The readings with a NaN in each long gap between them; what is not finite becomes NaN as well.

    Args:
        t: shape (n,), seconds, ascending.
        values: shape (n,).

    Returns:
        times and values, shape (m,) with m >= n.
    """
    values = np.where(np.isfinite(values), values, np.nan)
    if len(t) < 3:  # noqa: PLR2004 - the usual distance is known from two on
        return t, values
    apart = np.diff(t)
    longest = max(_LEAST_S, _LONGEST * float(np.median(apart)))
    after = np.flatnonzero(apart > longest) + 1
    return np.insert(t, after, (t[after - 1] + t[after]) / 2), np.insert(values, after, np.nan)
