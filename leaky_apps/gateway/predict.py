"""`POST /predict`: let in, read, worked on, answered, logged."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import time
from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse, Response

from leaky_apps.gateway.call import parse_call
from leaky_apps.gateway.model import Model, prediction
from leaky_apps.service.admin import error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from starlette.requests import Request

    from leaky_apps.gateway.call import Call
    from leaky_apps.gateway.parts import Parts

DOWNSTREAM_S: Final = 0.15
"""How long downstream takes to accept the candidates of a reranking."""

_UNAVAILABLE: Final = 503


class Predict:
    """Handles the predictions of one gateway."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._model = Model()
        self._ids = itertools.count(1)

    async def handle(self, request: Request) -> Response:
        """Answer `{"data": [[…]], "key": "…"}` with the model's scores, from the cache where they are held."""
        began = time.perf_counter()
        request_id = f"{next(self._ids):010x}"
        refused = self._parts.admission.refusal()
        if refused is not None:
            self._parts.log.record(request_id, status=refused, seconds=time.perf_counter() - began, cached=False)
            return _refusal(refused)
        body = await request.body()
        most = self._parts.inference.max_payload_bytes
        if len(body) > most:
            return error(413, f"found {len(body)} bytes; expected at most {most}")
        try:
            call = parse_call(request_id, body)
        except ValueError as e:
            return error(422, str(e))
        return await self._in_time(call, began)

    async def _in_time(self, call: Call, began: float) -> Response:
        limit = self._parts.inference.request_timeout_s
        try:
            async with asyncio.timeout(limit or None), self._parts.workers:
                block, cached = await self._work(call)
        except TimeoutError:
            return error(504, f"not done within {limit:g} s")
        self._parts.reports.send(call)
        seconds = time.perf_counter() - began
        self._parts.log.record(call.request_id, status=200, seconds=seconds, block=block, cached=cached)
        return JSONResponse({"request": call.request_id, "prediction": prediction(block), "cached": cached})

    async def _work(self, call: Call) -> tuple[NDArray[np.float32], bool]:
        await self._parts.features.lookup(call.key)
        for stage in self._parts.stages:
            stage(call)
        if call.model:
            self._parts.models.weights(call.model)
        if call.job:
            await self._parts.jobs.send(call)
        block, cached = self._block(call)
        if call.rerank:
            await self._rerank(block)
        return block, cached

    def _block(self, call: Call) -> tuple[NDArray[np.float32], bool]:
        digest = hashlib.blake2b(call.matrix.tobytes() + call.key.encode(), digest_size=16).hexdigest()
        held = self._parts.cache.get(digest)
        if held is not None:
            return held, True
        block = self._model.features(call.matrix)
        self._parts.cache.put(digest, block)
        return block, False

    async def _rerank(self, block: NDArray[np.float32]) -> None:
        scores = self._parts.candidates.score(block)
        await asyncio.sleep(DOWNSTREAM_S)
        del scores


def _refusal(status: int) -> JSONResponse:
    message = "degraded mode: shedding load" if status == _UNAVAILABLE else "over the rate limit"
    return JSONResponse({"error": message}, status_code=status, headers={"Retry-After": "1"})
