"""Waiting as a value: what is waited for, how long, and what was last seen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from leakdrill.units import show_count

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class TimedOut(Exception):  # noqa: N818 - it is an outcome; whoever waits turns it into an error of its own
    """`what` did not happen within `timeout_s`; `tries` probes were made."""

    def __init__(self, what: str, *, timeout_s: float, tries: int) -> None:
        super().__init__(f"{what} did not happen within {timeout_s:g} s ({show_count(tries, 'try', 'tries')})")
        self.what = what
        self.timeout_s = timeout_s
        self.tries = tries


def wait_for(probe: Callable[[], T | None], *, what: str, timeout_s: float, every_s: float = 0.05) -> T:
    """The first value of `probe` that is true: an empty list, zero and None are not.

    Args:
        probe: asked every `every_s` seconds; whatever it raises goes through.
        what: names the thing in `TimedOut`.
        timeout_s: seconds until `TimedOut`; the probe is asked at least once.
        every_s: seconds between two probes.

    Raises:
        TimedOut: when the time is over.
    """
    deadline = time.monotonic() + timeout_s
    tries = 0
    while True:
        tries += 1
        seen = probe()
        if seen:
            return seen
        if time.monotonic() >= deadline:
            raise TimedOut(what, timeout_s=timeout_s, tries=tries)
        time.sleep(every_s)
