"""What keeps Prometheus from a service's metrics is told in its own words, with what may help."""

from __future__ import annotations

from pathlib import Path

import pytest

from leakdrill.alerting.prometheus import _unscraped

URL = "http://127.0.0.1:8000/metrics"


@pytest.mark.parametrize(
    ("error", "helps"),
    [
        ("Get http://x: context deadline exceeded", "alerts.scrape_timeout"),
        ("server returned HTTP status 401 Unauthorized", "a drill scrapes without a login"),
        ("server returned HTTP status 404 Not Found", "target.metrics is the path"),
        ("server returned HTTP status 302 Found", "no redirect is followed"),
        ("Get http://x: dial tcp 127.0.0.1:8000: connect: connection refused", "does the service listen"),
        ("gzip: invalid header", "promtool check metrics"),
        ('expected label name, got "INVALID"', "promtool check metrics"),
        ("something that nobody has seen yet", "read prometheus.log"),
    ],
)
def test_each_kind_of_failure_has_a_hint_of_its_own(error, helps):
    told, hint = _unscraped([{"scrapeUrl": URL, "health": "down", "lastError": error}], {}, Path("prometheus.log"))
    assert told == f"; {URL} was not scraped: {error}"
    assert helps in hint
