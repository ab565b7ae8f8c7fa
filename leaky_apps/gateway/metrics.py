"""The gateway's metrics, beside those that every service has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily

from leaky_apps.service.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.metrics_core import Metric

    from leaky_apps.gateway.cache import ResponseCache
    from leaky_apps.gateway.request_log import RequestLog


def gateway_metrics(cache: ResponseCache, log: RequestLog) -> Metrics:
    """The metrics of a gateway with this cache and this log."""
    metrics = Metrics()
    metrics.gauge("gateway_cache_entries", "Responses held.", lambda: len(cache))
    metrics.gauge("gateway_cache_bytes", "Bytes of the responses held.", lambda: cache.held_bytes)
    metrics.gauge("log_bytes", "Size of the request log.", lambda: log.size_bytes)
    metrics.registry.register(_LogCounters(log))
    return metrics


class _LogCounters:
    """The counters of the log itself; read at scrape time, so that writing a line touches no metric."""

    def __init__(self, log: RequestLog) -> None:
        self._log = log

    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily("log_written_bytes", "Bytes written to the log.", value=self._log.written_bytes)
        yield CounterMetricFamily("log_write_errors", "Writes to the log that failed.", value=self._log.write_errors)
