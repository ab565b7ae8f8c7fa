"""Robust estimates with confidence intervals for samples that lean on their neighbours.

Memory samples are autocorrelated, quantised (allocators take arenas of 256 KiB to 1 MiB) and have outliers. So slopes
are Theil-Sen slopes over block medians, and differences of levels are bootstrapped in blocks. Least squares with its
textbook error was rejected (one arena step moves it, and its interval assumes independent samples), and so were
p-values of trend tests: with enough samples every real process has a "significant" trend.

References:
    P. K. Sen, Estimates of the regression coefficient based on Kendall's tau, JASA 63 (1968), 1379-1389.
    H. R. Künsch, The jackknife and the bootstrap for general stationary observations, Ann. Stat. 17 (1989), 1217-1241.
    D. J. Schuirmann, A comparison of the two one-sided tests procedure and the power approach for assessing the
        equivalence of average bioavailability, J. Pharmacokinet. Biopharm. 15 (1987), 657-680.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CONFIDENCE: Final = 0.95
"""The confidence of every interval here, two-sided; so each side of an equivalence test errs in at most 2.5 %."""

_RESAMPLES: Final = 2000
_SEED: Final = 20240229
"""Fixed: the same record must get the same verdict on every machine."""
_LINKED: Final = 0.2
"""Samples further apart than the first lag below this autocorrelation count as separate."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its 95 % confidence interval, in one unit."""

    estimate: float
    low: float
    high: float

    def times(self, factor: float) -> Interval:
        """The interval in another unit; `factor` is positive."""
        return Interval(self.estimate * factor, self.low * factor, self.high * factor)


def theil_sen(x: Floats, y: Floats) -> Interval:
    """The median of the slopes between all pairs of points, with Sen's interval.

    Args:
        x: shape (n,), in no particular order; pairs with equal x are left out.
        y: shape (n,).

    Raises:
        ValueError: when no two points differ in x.
    """
    first, second = np.triu_indices(len(x), k=1)
    run = x[second] - x[first]
    apart = run != 0
    slopes = np.sort((y[second] - y[first])[apart] / run[apart])
    if not len(slopes):
        raise ValueError("a slope needs at least two points with different x")
    low, high = _sen_ranks(len(x), len(slopes))
    return Interval(float(np.median(slopes)), float(slopes[low]), float(slopes[high]))


def _sen_ranks(points: int, slopes: int) -> tuple[int, int]:
    """The ranks of the sorted slopes that bound the interval (Sen 1968, from the variance of Kendall's S)."""
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    reach = z * np.sqrt(points * (points - 1) * (2 * points + 5) / 18)
    low = int(np.floor((slopes - reach) / 2)) - 1
    high = int(np.ceil((slopes + reach) / 2))
    return max(low, 0), min(high, slopes - 1)


def robust_slope(x: Floats, y: Floats, *, blocks: int = 18) -> Interval:
    """The slope of `y` over `x`, robust against outliers and steps: Theil-Sen over medians of blocks of neighbours.

    The medians of up to `blocks` equal stretches are nearly independent of each other, which Sen's interval needs and
    raw samples at ten a second are not.

    Raises:
        ValueError: when `x` does not change.
    """
    count = max(2, min(blocks, len(x) // 3))
    x_parts, y_parts = np.array_split(x, count), np.array_split(y, count)
    return theil_sen(np.array([np.median(p) for p in x_parts]), np.array([np.median(p) for p in y_parts]))


def difference_of_levels(before: Floats, after: Floats) -> Interval:
    """Mean of `after` minus mean of `before`, with a moving-block bootstrap interval (Künsch 1989).

    Args:
        before: shape (n,), n >= 2, in order of time.
        after: shape (m,), m >= 2, in order of time.
    """
    random = np.random.default_rng(_SEED)
    spread = _resampled_deviations(after, random) - _resampled_deviations(before, random)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(spread, [tail, 1 - tail])
    estimate = float(after.mean() - before.mean())
    return Interval(estimate, estimate + float(low), estimate + float(high))


def _resampled_deviations(values: Floats, random: np.random.Generator) -> Floats:
    """The deviations of resampled means from the mean, shape (_RESAMPLES,).

    Widened by sqrt(k / (k - 1)) for k blocks, because the spread of k means around their own mean is too small.
    """
    length = block_length(values)
    sums = np.concatenate(([0.0], np.cumsum(values - values.mean())))
    block_means = (sums[length:] - sums[:-length]) / length
    blocks = max(2, len(values) // length)
    picked = random.integers(0, len(block_means), size=(_RESAMPLES, blocks))
    widened = float(np.sqrt(blocks / (blocks - 1)))
    deviations: Floats = (block_means[picked].mean(axis=1) - block_means.mean()) * widened
    return deviations


def block_length(values: Floats) -> int:
    """The number of neighbours to keep together: three times the distance at which samples stop being correlated.

    At least the cube root of n, which is the order that Künsch derives; at most a quarter of n.
    """
    n = len(values)
    longest = max(1, n // 4)
    shortest = round(float(np.cbrt(n)))
    centred = values - values.mean()
    power = float(centred @ centred)
    if power == 0:
        return min(longest, shortest)
    lag = next((k for k in range(1, longest) if float(centred[k:] @ centred[:-k]) < _LINKED * power), longest)
    return max(1, min(longest, max(3 * lag, shortest)))


def swing(values: Floats) -> float:
    """The distance from the 5th to the 95th percentile of `values` once their own trend is taken out.

    What a healthy sawtooth (garbage collection, write buffers) does between two collections.
    """
    x = np.arange(len(values), dtype=float)
    straight = values - robust_slope(x, values).estimate * x
    low, high = np.quantile(straight, [0.05, 0.95])
    return float(high - low)
