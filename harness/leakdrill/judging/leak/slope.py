"""Growth per request with an interval that holds although memory moves in steps.

A process' memory is a level that stays where the last step left it (an arena mapped, a table doubled), plus noise that
goes away with the next sample (a thread's stack, a page in flight). Tests that take the samples for independent,
Mann-Kendall and least squares among them, read three steps in thirty samples as a trend beyond doubt; robust
(Newey-West) errors do not help, because what a step adds never decays. So the model is

    memory = a + growth * requests + walk + noise

where the walk's variance grows with requests, and its steps come at once or spread over some points, as entries that
live for a while come and go. Which share of the movement is walk is not known, and twenty samples do not tell; instead
of picking the likeliest share, the interval averages over all of them by their likelihood. Where everything is walk,
growth is the mean step over its scatter: k equal steps in a long quiet recording give t = sqrt(k), so that one or two
steps are never a trend. Where nothing is, it is least squares.

The likelihood is the restricted one (Patterson and Thompson 1971); the model is the local level model with a
deterministic trend of Harvey (1989), "Forecasting, Structural Time Series Models and the Kalman Filter".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_POINTS: Final = 4
"""Below this a line through the points leaves too little to judge its own error by."""

_SHARES: Final = np.logspace(-2.5, 3.0, 12)
"""Variance of the walk per point over the variance of the noise: from almost no walk to nothing else."""

_SIGMA: Final = NormalDist().cdf(-1)
"""The probability below one standard error under the mean."""

_LASTING: Final = (3, 7)
"""Points over which the steps of a smooth walk are spread: entries that live for four to ten seconds, at a slot each
1.4 seconds. Without them, a store with a time to live drifts too smoothly for a walk and passes for growth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """Growth per request.

    Attributes:
        per_request: the estimate.
        low: the lower end of the interval.
        high: its upper end.
        error: its standard error: half the width of the interval that holds it with probability 0.68.
        points: how many points it rests on.
    """

    per_request: float
    low: float
    high: float
    error: float
    points: int


NOTHING_KNOWN: Final = Slope(per_request=0.0, low=-np.inf, high=np.inf, error=np.inf, points=0)


def fit_slope(
    requests: NDArray[np.float64],
    values: NDArray[np.float64],
    *,
    confidence: float = 0.99,
    resolution: float = 1.0,
) -> Slope:
    """Growth of `values` per request, with the interval that holds it with probability `confidence`.

    Args:
        requests: shape (n,), increasing.
        values: shape (n,), bytes or a count.
        confidence: of the two-sided interval.
        resolution: the smallest difference that `values` can show: 4096 for resident memory. The noise is never
            taken for less than rounding makes it.

    Fewer than `FEWEST_POINTS` points give an interval without ends.
    """
    if len(requests) < FEWEST_POINTS or requests[-1] <= requests[0]:
        return NOTHING_KNOWN
    spacing = float(requests[-1] - requests[0]) / (len(requests) - 1)
    mixture = _mixture((requests - requests[0]) / spacing, values - values[0], resolution)
    tail = (1 - confidence) / 2
    return Slope(
        per_request=float(mixture.weights @ mixture.means) / spacing,
        low=_quantile(mixture, tail) / spacing,
        high=_quantile(mixture, 1 - tail) / spacing,
        error=(_quantile(mixture, 1 - _SIGMA) - _quantile(mixture, _SIGMA)) / 2 / spacing,
        points=len(requests),
    )


@dataclass(frozen=True, slots=True)
class _Mixture:
    """Student distributions of the growth, one for each share of the walk."""

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    scales: NDArray[np.float64]
    freedom: int


def _mixture(x: NDArray[np.float64], y: NDArray[np.float64], resolution: float) -> _Mixture:
    kernels = np.stack([_walk(x), *(_smooth_walk(len(x), lasting) for lasting in _LASTING)])
    shares = np.concatenate(([0.0], np.tile(_SHARES, len(kernels))))
    of_each = np.concatenate((kernels[:1], np.repeat(kernels, len(_SHARES), axis=0)))
    likelihoods, means, scales = _fits(x, y, of_each, shares, resolution)
    likelihood = np.exp(likelihoods - likelihoods.max())
    return _Mixture(likelihood / likelihood.sum(), means, scales, len(x) - 2)


def _walk(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The covariance of a walk that starts at the first point and whose variance grows by 1 a point."""
    return np.minimum.outer(x, x)


@cache
def _smooth_walk(n: int, lasting: int) -> NDArray[np.float64]:
    """The covariance of a walk whose every step takes `lasting` points to come and go: memory kept for a while."""
    steps = n + lasting
    level = np.tril(np.ones((steps, steps)))
    kept = np.array([(level[at : at + lasting]).mean(axis=0) for at in range(1, n + 1)])
    covariance: NDArray[np.float64] = (kept - kept[0]) @ (kept - kept[0]).T
    return covariance


def _fits(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    kernels: NDArray[np.float64],
    shares: NDArray[np.float64],
    resolution: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Log likelihood, growth and its standard error, were `kernels` times `shares` the walk's covariance.

    In units of the noise's variance; `kernels` has shape (k, n, n), `shares` and the answers (k,).
    """
    n = len(x)
    roots = np.linalg.cholesky(np.eye(n) + shares[:, None, None] * kernels)
    whitened = np.linalg.solve(roots, np.broadcast_to(np.column_stack((np.ones(n), x, y)), (len(shares), n, 3)))
    design, observed = whitened[:, :, :2], whitened[:, :, 2:]
    turned = design.transpose(0, 2, 1)
    cross = turned @ design
    left = observed - design @ (lines := np.linalg.solve(cross, turned @ observed))
    squares = np.maximum((left**2).sum(axis=(1, 2)), (n - 2) * resolution**2 / 12 / (1 + shares))
    diagonals = np.diagonal(roots, axis1=1, axis2=2)
    determinants = 2 * np.log(diagonals).sum(axis=1) + np.linalg.slogdet(cross)[1]
    errors = np.sqrt(squares / (n - 2) * np.linalg.inv(cross)[:, 1, 1])
    return -0.5 * (determinants + (n - 2) * np.log(squares)), lines[:, 1, 0], errors


def _quantile(mixture: _Mixture, probability: float) -> float:
    """The point at which the mixture's distribution function passes `probability`."""
    from scipy import optimize, special

    ends = mixture.means + mixture.scales * special.stdtrit(mixture.freedom, probability)
    low, high = float(ends.min()), float(ends.max())
    if high - low <= 1e-9 * (1 + abs(high)):
        return low

    def excess(value: float) -> float:
        below = special.stdtr(mixture.freedom, (value - mixture.means) / mixture.scales)
        return float(mixture.weights @ below) - probability

    return float(optimize.brentq(excess, low - 1e-9 * (1 + abs(low)), high + 1e-9 * (1 + abs(high)), xtol=1e-6))
