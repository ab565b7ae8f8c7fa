"""The gateway put together: its parts, its public endpoints and its routes."""

from __future__ import annotations

import gc
import hashlib
import itertools
import json
import time
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from leaky_apps.gateway.cache import ResponseCache
from leaky_apps.gateway.leaks.log_flood import LogFlood
from leaky_apps.gateway.leaks.unbounded_cache import UnboundedCache
from leaky_apps.gateway.metrics import gateway_metrics
from leaky_apps.gateway.model import Model, as_matrix, prediction
from leaky_apps.gateway.request_log import RequestLog
from leaky_apps.gateway.settings import PayloadLimits, gateway_settings
from leaky_apps.service import memory
from leaky_apps.service.admin import Admin, error
from leaky_apps.service.admission import Admission
from leaky_apps.service.metrics import Counted
from leaky_apps.service.mode import ModeSwitch

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from leaky_apps.leak import Leak


class Gateway:
    """One service.

    Args:
        disk: the folder of `gateway.log`.
        token: what admin endpoints ask for; empty turns them off.
    """

    def __init__(self, *, disk: Path, token: str) -> None:
        self.cache = ResponseCache()
        self.log = RequestLog(disk / "gateway.log")
        self.admission = Admission()
        self.limits = PayloadLimits()
        self.metrics = gateway_metrics(self.cache, self.log)
        self.leaks: tuple[Leak, ...] = (UnboundedCache(self.cache), LogFlood(self.log))
        self._admin = Admin(
            leaks=self.leaks,
            token=token,
            settings=gateway_settings(self.cache, self.log, self.admission, self.limits),
            actions={"clear-cache": self.clear_cache},
            handlers={"mode": ModeSwitch(self.admission).handle},
        )
        self._model = Model()
        self._ids = itertools.count(1)

    def app(self) -> ASGIApp:
        """The ASGI application."""
        routes = [
            Route("/predict", self.predict, methods=["POST"]),
            Route("/health", self.health),
            self.metrics.route(),
            Route("/debug/memory", self.debug_memory),
            *self._admin.routes(),
        ]
        return Counted(Starlette(routes=routes), self.metrics, frozenset(route.path for route in routes))

    async def predict(self, request: Request) -> Response:
        """Answer `{"data": [[…]], "key": "…"}` with the model's scores, from the cache where they are held."""
        began = time.perf_counter()
        request_id = f"{next(self._ids):010x}"
        refused = self.admission.refusal()
        if refused is not None:
            self.log.record(request_id, status=refused, seconds=time.perf_counter() - began, cached=False)
            return _refusal(refused)
        body = await request.body()
        if len(body) > self.limits.max_payload_bytes:
            return error(413, f"found {len(body)} bytes; expected at most {self.limits.max_payload_bytes}")
        try:
            matrix, key = _request(body)
        except ValueError as e:
            return error(422, str(e))
        block, cached = self._block(matrix, key)
        self.log.record(request_id, status=200, seconds=time.perf_counter() - began, block=block, cached=cached)
        return JSONResponse({"request": request_id, "prediction": prediction(block), "cached": cached})

    def _block(self, matrix: NDArray[np.float32], key: str) -> tuple[NDArray[np.float32], bool]:
        digest = hashlib.blake2b(matrix.tobytes() + key.encode(), digest_size=16).hexdigest()
        held = self.cache.get(digest)
        if held is not None:
            return held, True
        block = self._model.features(matrix)
        self.cache.put(digest, block)
        return block, False

    async def health(self, _request: Request) -> Response:
        """Whether the service answers, and in which mode."""
        return JSONResponse({"status": "ok", "mode": self.admission.mode})

    def clear_cache(self) -> dict[str, object]:
        """Drop every cached response and hand the memory back."""
        return {"entries_cleared": self.cache.clear(), **memory.collect()}

    async def debug_memory(self, request: Request) -> Response:
        """What is held, and where; `?types=N` adds the N most frequent types, which stops the service for a moment."""
        count = request.query_params.get("types", "0")
        if not count.isdecimal():
            return error(422, f"types: found {count!r}; expected a whole number")
        facts: dict[str, object] = {
            **memory.resident(),
            "gc_counts": gc.get_count(),
            "cache_entries": len(self.cache),
            "cache_bytes": self.cache.held_bytes,
            "log_bytes": self.log.size_bytes,
        }
        if int(count):
            facts["types"] = memory.top_types(int(count))
        return JSONResponse(facts)


def _request(body: bytes) -> tuple[NDArray[np.float32], str]:
    try:
        fields = json.loads(body)
    except ValueError as e:
        raise ValueError(f"the body is not JSON: {e}; expected an object") from e
    if not isinstance(fields, dict) or "data" not in fields:
        raise ValueError('expected an object with "data", and a "key" if it should be kept apart')
    key = fields.get("key", "")
    if not isinstance(key, str):
        raise ValueError(f"key: found {key!r}; expected text")  # noqa: TRY004 - the client's mistake, answered as 422
    return as_matrix(fields["data"]), key


def _refusal(status: int) -> JSONResponse:
    message = "degraded mode: shedding load" if status == 503 else "over the rate limit"  # noqa: PLR2004
    return JSONResponse({"error": message}, status_code=status, headers={"Retry-After": "1"})
