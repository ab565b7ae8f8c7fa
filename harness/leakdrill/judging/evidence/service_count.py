"""Requests as the service itself counts them, against the load's own count: only both together show where they went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.units import show_count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.scenario.load import Load

COUNTERS: Final = (
    "http_requests_total",
    "http_request_duration_seconds_count",
    "http_server_requests_seconds_count",
    "http_server_request_duration_seconds_count",
    "flask_http_request_total",
    "starlette_requests_total",
    "requests_total",
)
"""What clients of Prometheus call the number of requests answered; the first one of a page counts."""

_LEAST_SHARE: Final = 0.9
_MOST_SHARE: Final = 1.5
_FEW: Final = 50.0
_OTHERS_PER_S: Final = 20.0
"""Probes, scrapes and meters also ask the service, some ten times a second."""


def service_count(samples: Mapping[str, float]) -> float | None:
    """Returns the requests that a page of metrics counts, probes too; None when it has no counter that we know."""
    for name in COUNTERS:
        counted = [value for series, value in samples.items() if series == name or series.startswith(name + "{")]
        if counted:
            return sum(counted)
    return None


def disagreement(counted: float, completed: float, seconds: float, load: Load) -> str:
    """The difference between what the service counted and what the load did; empty when they agree, or nobody knows.

    A counter that fell belongs to another process, and says nothing.

    Args:
        counted: requests by the service.
        completed: requests of the load that got a response, over the same time.
        seconds: that time.
        load: may allow requests that the service does not count.
    """
    if counted < 0 or "uncounted requests" in load.allow:
        return ""
    few = counted < _LEAST_SHARE * completed - _FEW
    many = counted > _MOST_SHARE * completed + _FEW + _OTHERS_PER_S * seconds
    if not (few or many):
        return ""
    return (
        f"the service counted {show_count(counted, 'request')} while the load had "
        f"{completed:.0f} answered; if it counts only "
        "some, or others send them, `load.allow` may name uncounted requests"
    )
