"""The gateway's Prometheus metrics, and the middleware that counts requests."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.metrics_core import Metric
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from leaky_apps.gateway.cache import ResponseCache
    from leaky_apps.gateway.request_log import RequestLog

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """One registry per service, so that two in one process never share a counter."""

    def __init__(self, cache: ResponseCache, log: RequestLog) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "http_requests_total", "Requests answered.", ["method", "path", "status"], registry=self.registry
        )
        self.duration = Histogram(
            "http_request_duration_seconds", "Time to answer.", ["method", "path"], buckets=_BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        self._gauge("gateway_cache_entries", "Responses held.").set_function(lambda: len(cache))
        self._gauge("gateway_cache_bytes", "Bytes of the responses held.").set_function(lambda: cache.held_bytes)
        self._gauge("log_bytes", "Size of the request log.").set_function(lambda: log.size_bytes)
        self.registry.register(_LogCounters(log))

    def _gauge(self, name: str, help_text: str) -> Gauge:
        return Gauge(name, help_text, registry=self.registry)


class _LogCounters:
    """What the log counts itself; read at scrape time, so that writing a line touches no metric."""

    def __init__(self, log: RequestLog) -> None:
        self._log = log

    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily("log_written_bytes", "Bytes written to the log.", value=self._log.written_bytes)
        yield CounterMetricFamily("log_write_errors", "Writes to the log that failed.", value=self._log.write_errors)


class Counted:
    """Middleware: counts and times every request under its route, and what has no route under `other`."""

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: frozenset[str]) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and count it whatever becomes of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, watch)
        finally:
            self._count(scope, status, time.perf_counter() - began)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        path = scope["path"] if scope["path"] in self._paths else "other"
        self._metrics.requests.labels(scope["method"], path, str(status)).inc()
        self._metrics.duration.labels(scope["method"], path).observe(seconds)
