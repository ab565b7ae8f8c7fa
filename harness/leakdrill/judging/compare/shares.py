"""The interval of a share of requests (E. B. Wilson, Probable inference, JASA 22 (1927), 209-212)."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import Final

from leakdrill.judging.evidence.statistics import CONFIDENCE

_Z: Final = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


def share_interval(part: float, whole: float) -> tuple[float, float]:
    """Returns the 95 % interval of `part` of `whole`, both counts; `whole` is above zero."""
    share, z2 = part / whole, _Z * _Z
    middle = share + z2 / (2 * whole)
    reach = _Z * sqrt(share * (1 - share) / whole + z2 / (4 * whole * whole))
    scale = 1 + z2 / whole
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)
