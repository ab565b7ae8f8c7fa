"""The runner's metrics, beside those that every service has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily

from leaky_apps.service.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.metrics_core import Metric

    from leaky_apps.runner.builds import Builds
    from leaky_apps.runner.modes import Plan
    from leaky_apps.runner.output_cache import OutputCache


def runner_metrics(builds: Builds, plan: Plan, cache: OutputCache) -> Metrics:
    """The metrics of a runner made of these parts."""
    metrics = Metrics()
    metrics.gauge(
        "build_process_memory_bytes", "The most that a recent build held.", lambda: builds.process_memory_bytes
    )
    metrics.gauge("build_process_memory_limit_bytes", "What one build may use.", plan.share_bytes)
    metrics.gauge("build_success_ratio", "Share of the last 50 builds that passed.", lambda: builds.success_ratio)
    metrics.gauge("build_outputs_cached", "Outputs held.", lambda: len(cache))
    metrics.registry.register(_Totals(builds))
    return metrics


class _Totals:
    """The builds so far; read at scrape time, because builds end in threads."""

    def __init__(self, builds: Builds) -> None:
        self._builds = builds

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily("builds", "Builds that have ended.", labels=["outcome", "mode"])
        for (outcome, mode), count in list(self._builds.total.items()):
            family.add_metric([outcome, mode], count)
        yield family
