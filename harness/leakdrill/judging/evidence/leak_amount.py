"""How much of its resource a leak keeps per request: as declared, or as measured where it declares none or too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.judging.evidence.growth import growth_per_request
from leakdrill.judging.evidence.resource_series import resource_series
from leakdrill.judging.evidence.windows import leak_span

if TYPE_CHECKING:
    from leakdrill.record.history import History
    from leakdrill.scenario.leaks import Leak


def kept_per_request(history: History, leak: Leak) -> float | None:
    """Returns the amount that each request left behind while `leak` was on; None when that is not known.

    What is declared counts, unless what was measured is surely less than half of it.
    """
    if leak.peak is not None:
        return None
    span = leak_span(history, leak.name)
    growth = growth_per_request(resource_series(history, leak.resource), span) if span else ""
    if isinstance(growth, str):
        return leak.per_request
    if leak.per_request is not None and growth.per_request.high >= leak.per_request / 2:
        return leak.per_request
    return max(0.0, growth.per_request.estimate)
