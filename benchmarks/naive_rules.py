"""The rules that gates in the wild use, each on the whole recording and at one-sided 1 %.

They are given growth per request, which most of them do not even take. Each comes twice: as it is, and with our budget
on top, since a test without a budget calls every cache a leak.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from leakdrill.judging.leak.trace import Trace

    Array = NDArray[np.float64]

LEVEL: Final = 0.01
_THIRDS: Final = 1.05
_MOST_SAMPLES: Final = 200


def mann_kendall(x: Array, y: Array) -> tuple[float, float]:
    """Returns the one-sided p of the Mann-Kendall test, and the Theil-Sen slope."""
    test = stats.kendalltau(x, y)
    slope = float(stats.theilslopes(y, x).slope)
    p = 1.0 if np.isnan(test.pvalue) else float(test.pvalue) / 2 if test.statistic > 0 else 1.0
    return p, slope


def newey_west(x: Array, y: Array) -> tuple[float, float]:
    """Returns the one-sided p of the least-squares slope with Newey-West errors (Bartlett weights), and the slope."""
    n = len(x)
    centred = x - x.mean()
    spread = float(centred @ centred)
    slope = float(centred @ y) / spread
    scores = centred * (y - y.mean() - slope * centred)
    lags = int(4 * (n / 100) ** (2 / 9))
    variance = float(scores @ scores)
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * float(scores[lag:] @ scores[:-lag])
    error = max(variance, 1e-12) ** 0.5 / spread
    return float(stats.norm.sf(slope / error)), slope


def back_half(x: Array, y: Array) -> tuple[float, float]:
    """Returns the one-sided p of the least-squares slope on the second half, and the slope."""
    half = len(x) // 2
    if np.ptp(y[half:]) == 0:
        return 1.0, 0.0
    line = stats.linregress(x[half:], y[half:])
    return float(line.pvalue) / 2 if line.slope > 0 else 1.0, float(line.slope)


def thirds(x: Array, y: Array) -> tuple[float, float]:
    """0 when the last third's mean is 5 % above the first's, else 1; and the growth between them per request."""
    third = len(y) // 3
    first, last = float(y[:third].mean()), float(y[-third:].mean())
    distance = float(x[-third:].mean() - x[:third].mean())
    return float(last <= _THIRDS * first), (last - first) / distance


_TESTS: Final = {
    "Mann-Kendall, Theil-Sen": mann_kendall,
    "least squares, Newey-West": newey_west,
    "last third 5 % above first": thirds,
    "slope of the back half": back_half,
}


def naive_rules(budget: float) -> dict[str, Callable[[Trace], bool]]:
    """Every rule by name, without and with `budget`: whether it calls a recording a leak."""

    def rule(test: Callable[[Array, Array], tuple[float, float]], least: float) -> Callable[[Trace], bool]:
        def leaks(trace: Trace) -> bool:
            p, slope = test(*_thinned(trace))
            return p < LEVEL and slope > least

        return leaks

    plain = {name: rule(test, 0.0) for name, test in _TESTS.items()}
    return plain | {f"{name}, above {budget:g} B": rule(test, budget) for name, test in _TESTS.items()}


def _thinned(trace: Trace) -> tuple[Array, Array]:
    step = max(1, len(trace) // _MOST_SAMPLES)
    distinct = np.diff(trace.requests[::step], prepend=-1.0) > 0
    return trace.requests[::step][distinct], trace.resident[::step][distinct]
