"""Which share of the tasks that a scenario asks for were begun in a stretch of the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leakdrill.record.events import LoadRequests

if TYPE_CHECKING:
    from leakdrill.judging.evidence.windows import Span
    from leakdrill.record.history import History
    from leakdrill.scenario.scenario import Scenario


def begun_share(history: History, scenario: Scenario, span: Span) -> float | None:
    """Tasks begun in `span` of those that `load.rate` asks for; None without a rate, or where nobody counted."""
    told = [(event.t, event.tasks) for event in history.of(LoadRequests) if event.tasks is not None]
    asked = (scenario.load.rate or 0.0) * span.length_s
    if asked <= 0 or len(told) < 2 or told[0][0] > span.start_s or told[-1][0] < span.end_s:  # noqa: PLR2004 - two ends
        return None
    begun = np.interp([span.start_s, span.end_s], [t for t, _ in told], [tasks for _, tasks in told])
    return float(begun[1] - begun[0]) / asked
