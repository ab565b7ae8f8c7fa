"""The pipeline put together: its parts, its public endpoints and its routes."""

from __future__ import annotations

import gc
import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from leaky_apps.pipeline.batches import Batching
from leaky_apps.pipeline.caches import Caches, clear_caches
from leaky_apps.pipeline.collector import Collector
from leaky_apps.pipeline.graph import KnowledgeGraph
from leaky_apps.pipeline.leaks.kept_segments import KeptSegments
from leaky_apps.pipeline.leaks.large_batches import LargeBatches
from leaky_apps.pipeline.leaks.late_collection import LateCollection
from leaky_apps.pipeline.leaks.redis_without_ttl import RedisWithoutTtl
from leaky_apps.pipeline.leaks.unbounded_process_cache import UnboundedProcessCache
from leaky_apps.pipeline.leaks.unpruned_graph import UnprunedGraph
from leaky_apps.pipeline.memory_budgets import MemoryBudgets
from leaky_apps.pipeline.memory_monitor import MemoryBudgetExceeded, MemoryMonitor, anonymous_bytes
from leaky_apps.pipeline.metrics import pipeline_metrics
from leaky_apps.pipeline.processing import Processing, summary
from leaky_apps.pipeline.redis_cache import RedisCache
from leaky_apps.pipeline.settings import from_environment, pipeline_settings
from leaky_apps.pipeline.speech import CHARACTERS, transcript
from leaky_apps.service import memory
from leaky_apps.service.admin import Admin, body, error
from leaky_apps.service.metrics import Counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from leaky_apps.leak import Leak
    from leaky_apps.pipeline.memory_profile import MemoryProfile
    from leaky_apps.pipeline.redis_server import RedisServer
    from leaky_apps.service.serve import Place

_MOST_CHARACTERS = 1_000_000
_NEIGHBOURS = 10


class Pipeline:
    """One service.

    Args:
        place: its folder, and the token that admin endpoints ask for.
        redis_url: where the Redis is that it caches in.
        redis_server: that Redis, when it is the service's own.
        profile: the memory profile, when one is recorded.
        environment: sets settings, such as `PODCAST_KG_BATCH_SIZE`.
    """

    def __init__(
        self,
        place: Place,
        *,
        redis_url: str,
        redis_server: RedisServer | None,
        profile: MemoryProfile | None,
        environment: Mapping[str, str],
    ) -> None:
        self._redis_url = redis_url
        self._redis_server = redis_server
        self.caches = Caches(RedisCache(redis_url, redis_server))
        self.graph = KnowledgeGraph()
        self.batching = Batching()
        self.collector = Collector()
        self.processing = Processing(self.batching, self.graph, self.collector)
        self.monitor = MemoryMonitor(self.used_bytes)
        self.budgets = MemoryBudgets(
            transcripts=lambda: self.processing.held_bytes,
            graph=lambda: self.graph.episodes.held_bytes,
            caches=lambda: self.caches.process.held_bytes + self.caches.redis.used_bytes(),
        )
        self.metrics = pipeline_metrics(self.caches, self.graph, self.budgets, self.monitor)
        self._settings = pipeline_settings(
            self.batching, self.caches, self.graph, self.processing,
            collector=self.collector, monitor=self.monitor, budgets=self.budgets,
        )  # fmt: skip
        from_environment(self._settings, environment)
        self._admin = self._make_admin(place.token, profile)

    def _make_admin(self, token: str, profile: MemoryProfile | None) -> Admin:
        profiling = {"memory-profile": profile.write} if profile else {}
        return Admin(
            leaks=self.leaks(),
            token=token,
            settings=self._settings,
            actions={
                "clear-caches": self.clear_caches,
                "prune-graph": self.prune_graph,
                "drop-results": self.drop_results,
                **profiling,
            },
        )

    def leaks(self) -> tuple[Leak, ...]:
        """Every leak, each on a part of this service."""
        return (
            RedisWithoutTtl(self.caches.redis),
            UnboundedProcessCache(self.caches),
            KeptSegments(self.processing),
            UnprunedGraph(self.graph),
            LargeBatches(self.batching),
            LateCollection(self.collector),
        )

    def app(self) -> ASGIApp:
        """The ASGI application."""
        routes = [
            Route("/episodes", self.episodes, methods=["POST"]),
            Route("/graph", self.show_graph),
            Route("/health", self.health),
            self.metrics.route(),
            Route("/debug/memory", self.debug_memory),
            *self._admin.routes(),
        ]
        return Counted(Starlette(routes=routes), self.metrics, frozenset(route.path for route in routes))

    async def episodes(self, request: Request) -> Response:
        """Work through `{"transcript": "…"}`, or through the transcript of `{"seed": 7, "characters": 48000}`."""
        try:
            self.monitor.check_memory_usage()
            text = _Episode.read(await body(request)).text()
        except MemoryBudgetExceeded as e:
            refusal = error(503, f"no memory for another episode: {e}")
            refusal.headers["Retry-After"] = "1"
            return refusal
        except ValueError as e:
            return error(422, str(e))
        episode = hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
        held = self.caches.get(episode)
        if held is None:
            held = await self.processing.annotate(episode, text), "none"
            self.caches.put(episode, held[0])
        annotation, cached = held
        return JSONResponse({**summary(annotation), "cached": cached})

    async def show_graph(self, request: Request) -> Response:
        """The size of the graph; `?name=Ada+Moreau` adds who is mentioned next to her."""
        name = request.query_params.get("name")
        facts: dict[str, object] = dict(self.graph.counts())
        if name:
            facts["neighbours"] = self.graph.neighbours(name, _NEIGHBOURS)
        return JSONResponse(facts)

    async def health(self, _request: Request) -> Response:
        """Whether the service answers."""
        return JSONResponse({"status": "ok"})

    def used_bytes(self) -> int:
        """Anonymous bytes of this process and of its own Redis."""
        redis = self._redis_server.pid if self._redis_server else None
        return anonymous_bytes(os.getpid()) + (anonymous_bytes(redis) if redis else 0)

    def clear_caches(self) -> dict[str, object]:
        """Empty the caches and hand the memory back. Collects no garbage: that is another step of a runbook."""
        return {"entries_cleared": clear_caches(), "trimmed": memory.trim()}

    def prune_graph(self) -> dict[str, object]:
        """Forget all but the newest episodes and hand the memory back."""
        return {"episodes_pruned": self.graph.prune(), "trimmed": memory.trim()}

    def drop_results(self) -> dict[str, object]:
        """Forget the documents kept for debugging and hand the memory back."""
        return {"documents_dropped": self.processing.results.clear(), "trimmed": memory.trim()}

    async def debug_memory(self, _request: Request) -> Response:
        """The memory that each component holds, and may hold."""
        return JSONResponse(
            {
                **memory.resident(),
                "used_bytes": self.used_bytes(),
                "gc_counts": gc.get_count(),
                "gc_threshold": self.collector.thresholds,
                "components": self.budgets.show(),
                "graph": self.graph.counts(),
                "process_cache_entries": len(self.caches.process),
                "redis_cache_entries": len(self.caches.redis),
                "redis_url": self._redis_url,
                "results_kept": len(self.processing.results),
            }
        )


@dataclass(frozen=True, slots=True)
class _Episode:
    """The request of a client: a transcript, or a seed to make one from."""

    transcript: str | None
    seed: int
    characters: int

    @classmethod
    def read(cls, fields: Any) -> _Episode:
        """`fields`, checked.

        Raises:
            ValueError: says what is wrong with them.
        """
        if not isinstance(fields, dict) or ("transcript" in fields) == ("seed" in fields):
            raise ValueError('expected an object with exactly one of "transcript" and "seed"')
        said = fields.get("transcript")
        if said is not None and (not isinstance(said, str) or not 0 < len(said) <= _MOST_CHARACTERS):
            raise ValueError(f"transcript: expected text of 1 to {_MOST_CHARACTERS} characters")
        seed, characters = fields.get("seed", 0), fields.get("characters", CHARACTERS)
        if type(seed) is not int:
            raise ValueError(f"seed: found {seed!r}; expected a whole number")
        if type(characters) is not int or not 0 < characters <= _MOST_CHARACTERS:
            raise ValueError(f"characters: found {characters!r}; expected 1 to {_MOST_CHARACTERS}")
        return cls(said, seed, characters)

    def text(self) -> str:
        """The transcript."""
        return self.transcript if self.transcript is not None else transcript(self.seed, self.characters)
