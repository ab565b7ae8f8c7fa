"""A wait time with which users keep a rate together without sending in step."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_GOLDEN: Final = 0.6180339887498949


def paced(period_s: float, clock: Callable[[], float] = time.monotonic) -> Callable[[Any], float]:
    """Returns a Locust `wait_time`: each user begins a task every `period_s` seconds, as long as the target keeps up.

    Like Locust's `constant_throughput(1 / period_s)`, with two differences. Users that are spawned together wait
    different parts of the first period (multiples of the golden ratio spread evenly for any number of users): in step,
    they would hit the target in bursts and raise the very percentiles that are measured. And each is due on a fixed
    grid, so that late wake-ups do not add up to a lower rate. A user that is late does not catch up.
    """
    order = itertools.count(1)

    def wait_time(user: Any) -> float:
        now = clock()
        due: float | None = getattr(user, "_leakdrill_due", None)
        due = now + (next(order) * _GOLDEN) % 1 * period_s if due is None else max(due + period_s, now)
        user._leakdrill_due = due  # noqa: SLF001 - Locust keeps its own pacing state on the user, too
        return max(0.0, due - now)

    return wait_time
