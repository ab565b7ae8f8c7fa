"""Keeps Locust's own statistics from growing with the load: they have an entry for each name, error and second.

A locustfile that asks for `/item/1`, `/item/2`, … gives every request a name of its own.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from locust.stats import RequestStats, StatsError

from leakdrill.load.in_locust.replaced_method import replace_method

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_NAMES: Final = 1000
MOST_ERRORS: Final = 1000
OTHER_NAMES: Final = "(other names)"
OTHER_ERRORS: Final = "(other errors)"
KEPT_S: Final = 120
"""Locust computes current rates from the counts of the last ten seconds."""


def bound_stats() -> None:
    """Put requests beyond the first `MOST_NAMES` names, and errors alike, under one name, from now on."""
    replace_method(RequestStats, "log_request", _log_request)
    replace_method(RequestStats, "log_error", _log_error)


def is_bounded(stats: Any) -> bool:
    """Whether there were more names than are kept apart."""
    return any(name == OTHER_NAMES for name, _ in stats.entries)


def forget_old_seconds(stats: Any, now: float | None = None) -> None:
    """Drop the counts of single seconds that nobody will ask for again."""
    oldest = (time.time() if now is None else now) - KEPT_S
    for entry in (stats.total, *stats.entries.values()):
        for seconds in (entry.num_reqs_per_sec, entry.num_fail_per_sec):
            for second in [second for second in seconds if second < oldest]:
                del seconds[second]


def _log_request(original: Callable[..., Any]) -> Callable[..., Any]:
    def log_request(stats: Any, method: str, name: str, *args: Any, **kwargs: Any) -> None:
        original(stats, method, _name(stats, method, name), *args, **kwargs)

    return log_request


def _log_error(original: Callable[..., Any]) -> Callable[..., Any]:
    def log_error(stats: Any, method: str, name: str, error: Any) -> None:
        name = _name(stats, method, name)
        full = len(stats.errors) >= MOST_ERRORS
        if full and StatsError.create_key(method, name, error) not in stats.errors:
            name, error = OTHER_NAMES, OTHER_ERRORS
        original(stats, method, name, error)

    return log_error


def _name(stats: Any, method: str, name: str) -> str:
    full = len(stats.entries) >= MOST_NAMES
    return OTHER_NAMES if full and (name, method) not in stats.entries else name
