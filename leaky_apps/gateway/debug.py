"""`GET /debug/memory`: what the gateway holds, and where."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from leaky_apps.service import memory
from leaky_apps.service.admin import error

if TYPE_CHECKING:
    from starlette.requests import Request

    from leaky_apps.gateway.parts import Parts


class DebugMemory:
    """Handles the endpoint for one gateway."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def handle(self, request: Request) -> Response:
        """The memory that is held; `?types=N` adds the N most frequent types, which stops the service for a moment."""
        count = request.query_params.get("types", "0")
        if not count.isdecimal():
            return error(422, f"types: found {count!r}; expected a whole number")
        facts = {**memory.resident(), **self._held()}
        if int(count):
            facts["types"] = memory.top_types(int(count))
        return JSONResponse(facts)

    def _held(self) -> dict[str, object]:
        return {
            "gc_counts": gc.get_count(),
            "gc_enabled": gc.isenabled(),
            "threads": threading.active_count(),
            "cache_entries": len(self._parts.cache),
            "cache_bytes": self._parts.cache.held_bytes,
            "model_versions": len(self._parts.models),
            "model_bytes": self._parts.models.held_bytes,
            "open_connections": self._parts.features.open_connections,
            "pending_reports": len(self._parts.reports),
            "busy_workers": self._parts.workers.busy,
            "log_bytes": self._parts.log.size_bytes,
        }
