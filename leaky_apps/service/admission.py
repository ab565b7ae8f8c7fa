"""Admission of requests: a rate limit, and load shedding in degraded mode."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Mode = Literal["normal", "degraded"]


class Admission:
    """Decides for each `/predict`.

    In degraded mode the accepted share is exact over any run of requests, not drawn by chance, so that a drill of a
    few seconds sees the share that it asked for.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.mode: Mode = "normal"
        self.accept_rate = 1.0
        self.rate_limit_enabled = False
        self._limit_rps = 100.0
        self._tokens = 100.0
        self._filled_at = clock()
        self._share = 0.0

    @property
    def rate_limit_rps(self) -> float:
        """Requests a second that are let in, with a burst of one second's worth."""
        return self._limit_rps

    @rate_limit_rps.setter
    def rate_limit_rps(self, rps: float) -> None:
        self._limit_rps = rps
        self._tokens = min(self._tokens, rps)

    def refusal(self) -> int | None:
        """The status that refuses the next request: 503 when shedding, 429 over the rate limit; None lets it in."""
        if self.mode == "degraded" and not self._in_share():
            return 503
        if self.rate_limit_enabled and not self._take_token():
            return 429
        return None

    def _in_share(self) -> bool:
        self._share += self.accept_rate
        if self._share < 1:
            return False
        self._share -= 1
        return True

    def _take_token(self) -> bool:
        now = self._clock()
        burst = max(1.0, self._limit_rps)
        self._tokens = min(burst, self._tokens + (now - self._filled_at) * self._limit_rps)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
