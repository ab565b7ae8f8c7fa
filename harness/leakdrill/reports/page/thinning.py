"""A long curve with fewer points, the same peaks and the same gaps: of each stretch the extremes and a gap stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_POINTS: Final = 40_000
"""An hour of ten readings a second is kept whole."""


def kept_points(values: NDArray[np.float64], most: int = MOST_POINTS) -> NDArray[np.int64]:
    """The positions of the values to keep, ascending: all up to `most`, else of each stretch both extremes and a gap.

    Args:
        values: shape (n,); NaN where there is a gap.
        most: how many may stay, at least 6.
    """
    if len(values) <= most:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), most // 3, dtype=int)
    starts = edges[:-1]
    low = np.where(np.isnan(values), np.inf, values)
    high = np.where(np.isnan(values), -np.inf, values)
    lows, highs = np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)
    stretch = np.repeat(np.arange(len(starts)), np.diff(edges))
    return np.unique(
        np.concatenate(
            [
                [0, len(values) - 1],
                _first_of_each(low == lows[stretch], stretch),
                _first_of_each(high == highs[stretch], stretch),
                _first_of_each(np.isnan(values), stretch),
            ]
        )
    ).astype(np.int64)


def _first_of_each(matching: NDArray[np.bool_], stretch: NDArray[np.int64]) -> NDArray[np.int64]:
    """The position of the first match in each stretch."""
    places = np.flatnonzero(matching)
    _, firsts = np.unique(stretch[places], return_index=True)
    return places[firsts]
