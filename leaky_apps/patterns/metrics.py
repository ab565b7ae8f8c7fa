"""The order processor's metrics, beside those that every service has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.service.metrics import Metrics

if TYPE_CHECKING:
    from leaky_apps.patterns.holdings import Holdings


def patterns_metrics(holdings: Holdings) -> Metrics:
    """The metrics of an order processor that has these holdings."""
    metrics = Metrics()
    metrics.gauge("patterns_recent_receipts", "Receipts held.", lambda: len(holdings.recent))
    metrics.gauge("patterns_quote_cache_entries", "Price tables held.", lambda: len(holdings.quotes))
    metrics.gauge("patterns_exports_kept", "Export documents held.", lambda: len(holdings.exports))
    metrics.gauge("patterns_audit_entries", "Audit entries held.", lambda: len(holdings.audit))
    metrics.gauge(
        "patterns_largest_table_bytes", "The largest table of a report.", lambda: holdings.reports.largest_bytes
    )
    return metrics
