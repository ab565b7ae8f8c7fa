"""The end of warm-up: the part of a recording that says nothing about what comes after it.

Two things end it. Time: what lives for a while, a session or an entry with a time to live, fills up for that long
under any load, and in that time looks exactly like a leak; only waiting tells. And memory itself: the points from which
on a straight line fits with the least error, by White's MSER rule (1997, "An effective truncation heuristic for bias
reduction in simulation output"), with a line in place of his mean, since growth is what is to be measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_CUT: Final = 0.5
"""No more than this share of the points is ever given up: a tail can always be found that looks calm."""

_GAIN: Final = 0.5
"""A cut must halve the error at least; a cut for less would only pick the calmest noise."""


def settled_from(
    requests: NDArray[np.float64], values: NDArray[np.float64], *, resolution: float = 1.0, most_cut: float = _MOST_CUT
) -> int:
    """The index of the point at which warm-up has ended, 0 when there is none to see.

    Args:
        requests: shape (n,), increasing.
        values: shape (n,), bytes.
        resolution: the smallest difference that `values` can show.
        most_cut: the largest share of the points that may count as warm-up.
    """
    cuts = range(int(len(requests) * most_cut) + 1)
    errors = np.array([_error(requests[cut:], values[cut:], resolution) for cut in cuts])
    if not len(errors) or np.isinf(errors[0]):
        return 0
    best = int(np.argmin(errors))
    return best if errors[best] < _GAIN * errors[0] else 0


def _error(requests: NDArray[np.float64], values: NDArray[np.float64], resolution: float) -> float:
    """The squared error of a line's slope through the points: what a cut must not make worse."""
    n = len(requests)
    if n <= 2:  # noqa: PLR2004 - a line goes through any two points
        return float("inf")
    x, y = requests - requests.mean(), values - values.mean()
    spread = float(x @ x)
    left = y - x * float(x @ y) / spread
    return (float(left @ left) + n * resolution**2 / 12) / (n - 2) / spread
