"""Whether Prometheus could not read the series that an alert is judged on, in Prometheus' own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.cause import Cause
from leakdrill.record.events import ScrapeError, SelectorMatches
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from leakdrill.judging.evidence.windows import Span
    from leakdrill.record.history import History
    from leakdrill.scenario.alerts import AlertName

_DEADLINE: Final = "deadline exceeded"
_LEAST_S: Final = 2.0
"""A scrape or two may fail on a busy machine: the last sample counts for longer than that."""


def failed_scrapes(history: History, alert: AlertName, span: Span) -> Cause | None:
    """The longest time within `span` in which the jobs that `alert` is judged on were not scraped; None for none.

    A scrape that took too long says nothing of production, which gives it more time, so it makes no failure.
    """
    jobs = {job for e in history.of(SelectorMatches) if e.alert == alert.alert for job in e.jobs.split(",") if job}
    longest: tuple[float, ScrapeError] | None = None
    for job in jobs:
        errors = [e for e in history.of(ScrapeError) if e.job == job and e.t <= span.end_s]
        ends = [*(e.t for e in errors), span.end_s][1:]
        for event, end_s in zip(errors, ends, strict=True):
            lasted_s = end_s - max(event.t, span.start_s)
            if event.error and lasted_s >= _LEAST_S and (longest is None or lasted_s > longest[0]):
                longest = (lasted_s, event)
    if longest is None:
        return None
    lasted_s, event = longest
    is_slow = _DEADLINE in event.error
    hint = (
        "`alerts.scrape_timeout` says how long the service's metrics may take, such as 10s"
        if is_slow
        else "an alert on metrics that cannot be read stays silent in production, too: alert on `up` and on `absent`"
    )
    text = f"for {show_duration(lasted_s)} of that Prometheus could not scrape {event.url}: {event.error}"
    return Cause(text, hint, (event.index,), is_certain=not is_slow)
