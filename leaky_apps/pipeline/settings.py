"""The pipeline's settings, which can be changed while it runs, and those of its environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from leaky_apps.service.settings import Kind, Settings, attribute, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leaky_apps.pipeline.batches import Batching
    from leaky_apps.pipeline.caches import Caches
    from leaky_apps.pipeline.collector import Collector
    from leaky_apps.pipeline.graph import KnowledgeGraph
    from leaky_apps.pipeline.memory_budgets import MemoryBudgets
    from leaky_apps.pipeline.memory_monitor import MemoryMonitor
    from leaky_apps.pipeline.processing import Processing

_MOST_ENTRIES: Final = 1_000_000
_MOST_BYTES: Final = 1 << 40
_MOST_THRESHOLD: Final = (1 << 31) - 1  # CPython keeps them as C ints
_GENERATIONS: Final = 3
_PREFIX: Final = "PODCAST_KG_"


def pipeline_settings(
    batching: Batching,
    caches: Caches,
    graph: KnowledgeGraph,
    processing: Processing,
    *,
    collector: Collector,
    monitor: MemoryMonitor,
    budgets: MemoryBudgets,
) -> Settings:
    """The settings of a pipeline made of these parts."""
    memory = {
        f"budget_{name}_bytes": attribute(whole(1, _MOST_BYTES), budget, "budget_bytes")
        for name, budget in budgets.components.items()
    }
    return Settings(
        {
            "batch_size": attribute(whole(1, 1000), batching, "batch_size"),
            "max_segment_length": attribute(whole(100, 20_000), batching, "max_segment_length"),
            "linking_ms": attribute(whole(0, 10_000), processing, "linking_ms"),
            "redis_ttl_seconds": attribute(whole(1, 86_400), caches.redis, "ttl_s"),
            "process_cache_max_entries": attribute(whole(1, _MOST_ENTRIES), caches.process, "max_entries"),
            "graph_max_episodes": attribute(whole(1, _MOST_ENTRIES), graph.episodes, "max_entries"),
            "gc_threshold": attribute(_thresholds(), collector, "thresholds"),
            "max_memory_bytes": attribute(whole(0, _MOST_BYTES), monitor, "max_memory_bytes"),
            **memory,
        }
    )


def from_environment(settings: Settings, environment: Mapping[str, str]) -> None:
    """Set what `environment` names: `PODCAST_KG_BATCH_SIZE=5` sets `batch_size`. Only whole numbers can be set so.

    Raises:
        ValueError: names the setting, what was found and what is expected.
    """
    for name in settings.show():
        text = environment.get(_PREFIX + name.upper())
        if text is not None:
            settings.change({name: int(text) if text.isdecimal() else text})


def _thresholds() -> Kind:
    def fits(value: Any) -> bool:
        return isinstance(value, list) and len(value) == _GENERATIONS and all(map(one.fits, value))

    one = whole(1, _MOST_THRESHOLD)
    return Kind("three whole numbers above 0, such as [700, 10, 10]", fits)
