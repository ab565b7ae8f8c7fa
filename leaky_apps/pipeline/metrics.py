"""The pipeline's metrics, beside those that every service has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from leaky_apps.service.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.metrics_core import Metric

    from leaky_apps.pipeline.caches import Caches
    from leaky_apps.pipeline.graph import KnowledgeGraph
    from leaky_apps.pipeline.memory_budgets import MemoryBudgets
    from leaky_apps.pipeline.memory_monitor import MemoryMonitor


def pipeline_metrics(caches: Caches, graph: KnowledgeGraph, budgets: MemoryBudgets, monitor: MemoryMonitor) -> Metrics:
    """The metrics of a pipeline made of these parts."""
    metrics = Metrics()
    metrics.gauge("pipeline_process_cache_entries", "Annotations in the process.", lambda: len(caches.process))
    metrics.gauge("pipeline_redis_cache_entries", "Annotations in Redis.", lambda: len(caches.redis))
    metrics.gauge("pipeline_graph_episodes", "Episodes in the graph.", lambda: len(graph.episodes))
    metrics.registry.register(_Components(budgets))
    metrics.registry.register(_Counters(caches, monitor))
    return metrics


class _Components:
    """Every component's memory and its budget, read at scrape time."""

    def __init__(self, budgets: MemoryBudgets) -> None:
        self._budgets = budgets

    def collect(self) -> Iterable[Metric]:
        held = GaugeMetricFamily("pipeline_component_bytes", "Bytes that a component holds.", labels=["component"])
        allowed = GaugeMetricFamily(
            "pipeline_component_budget_bytes", "Bytes that a component may hold.", labels=["component"]
        )
        for name, budget in self._budgets.components.items():
            held.add_metric([name], budget.held_bytes())
            allowed.add_metric([name], budget.budget_bytes)
        return [held, allowed]


class _Counters:
    """The counters of the parts themselves, read at scrape time."""

    def __init__(self, caches: Caches, monitor: MemoryMonitor) -> None:
        self._caches = caches
        self._monitor = monitor

    def collect(self) -> Iterable[Metric]:
        hits = CounterMetricFamily("pipeline_cache_hits", "Episodes found in a cache.", labels=["cache"])
        for name, count in self._caches.hits.items():
            hits.add_metric([name], count)
        yield hits
        yield CounterMetricFamily("pipeline_cache_misses", "Episodes found in none.", value=self._caches.misses)
        yield CounterMetricFamily(
            "pipeline_redis_errors", "Times Redis could not be asked.", value=self._caches.redis.errors
        )
        yield CounterMetricFamily(
            "pipeline_memory_refusals", "Episodes refused for want of memory.", value=self._monitor.exceeded
        )
