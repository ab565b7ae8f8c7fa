"""An alert on metrics that Prometheus could not read: its own words are in the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from histories import drill, plan

from leakdrill.judging.checks.alerts import alert_fires_in_time
from leakdrill.record.events import ScrapeError, SelectorMatches

if TYPE_CHECKING:
    from leakdrill.record.verdict import Verdict

URL = "http://127.0.0.1:8000/metrics"
SLOW = "context deadline exceeded"
REFUSED = "server returned HTTP status 401 Unauthorized"


def judged(*errors: tuple[float, str], job: str = "gateway") -> Verdict:
    record = drill().drop("prometheus", "alert")
    record.sample(14.0, SelectorMatches(1.0, selector="cache_bytes", alert="HighMemoryUsage", jobs="gateway"))
    for t, error in errors:
        record.sample(t, ScrapeError(error, job=job, url=URL))
    scenario = plan()
    return alert_fires_in_time(record.history(), alert=scenario.alerts.expect[0], scenario=scenario)


def test_a_scrape_that_takes_too_long_is_no_failure():
    verdict = judged((25.0, SLOW))
    assert verdict.outcome == "UNKNOWN"
    assert f"Prometheus could not scrape {URL}: {SLOW}" in verdict.message
    assert "alerts.scrape_timeout" in verdict.hint


def test_metrics_that_are_refused_are_a_failure_that_says_so():
    verdict = judged((25.0, REFUSED), (35.0, ""))
    assert verdict.outcome == "FAIL"
    assert f"for 10 s of that Prometheus could not scrape {URL}: {REFUSED}" in verdict.message
    assert "`up`" in verdict.hint


@pytest.mark.parametrize("errors", [((25.0, SLOW), (26.0, "")), ((5.0, REFUSED), (9.0, "")), ()])
def test_a_scrape_or_two_and_what_was_over_before_the_leak_are_not_blamed(errors):
    verdict = judged(*errors)
    assert verdict.outcome == "FAIL"
    assert "scrape" not in verdict.message


def test_the_scrape_of_another_job_is_not_blamed():
    assert "could not scrape" not in judged((25.0, REFUSED), job="leakdrill").message
