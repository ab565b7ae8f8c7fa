"""The service put together: its parts, its public endpoints and its routes."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

import torch
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from leaky_apps.service import memory
from leaky_apps.service.admin import Admin, body, error
from leaky_apps.service.metrics import Counted, Metrics
from leaky_apps.tensor.embeddings import Embeddings
from leaky_apps.tensor.inference import Inference, UnknownLabelError
from leaky_apps.tensor.leaks import every_leak
from leaky_apps.tensor.order import Order, read_order
from leaky_apps.tensor.process import trim
from leaky_apps.tensor.profile import profiled
from leaky_apps.tensor.references import References
from leaky_apps.tensor.settings import tensor_settings
from leaky_apps.tensor.staging import Staging
from leaky_apps.tensor.versions import Versions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from leaky_apps.tensor.device import Device


class TensorService:
    """One service.

    Args:
        device: where its tensors live.
        disk: the folder of `tensor.log`, which names every order that was refused.
        token: what admin endpoints ask for; empty turns them off.
    """

    def __init__(self, *, device: Device, disk: Path, token: str) -> None:
        self.device = device
        self._log = disk / "tensor.log"
        self.references = References()
        self.staging = Staging(device.name)
        self.versions = Versions(device.name)
        self.embeddings = Embeddings()
        self.inference = Inference(device, self.references, self.staging, self.versions, self.embeddings)
        self.leaks = every_leak(self.inference, self.references, self.staging, self.versions, self.embeddings)
        self.metrics = self._published()
        self._out_of_memory = 0
        self._retries = 0
        self._admin = Admin(
            leaks=self.leaks,
            token=token,
            settings=tensor_settings(self.inference, device, self.references),
            actions={
                "empty-cache": self.empty_cache,
                "drop-references": _trimming(self.references.drop),
                "unload-versions": _trimming(lambda: {"versions": self.versions.unload()}),
                "clear-embeddings": _trimming(lambda: {"embeddings": self.embeddings.clear()}),
            },
        )

    def app(self) -> ASGIApp:
        """The ASGI application."""
        routes = [
            Route("/predict", self.predict, methods=["POST"]),
            Route("/health", self.health),
            self.metrics.route(),
            Route("/debug/memory", self.debug_memory),
            Route("/debug/memory-summary", self.debug_summary),
            Route("/debug/profile", self.debug_profile),
            *self._admin.routes(),
        ]
        return Counted(Starlette(routes=routes), self.metrics, frozenset(route.path for route in routes))

    def _published(self) -> Metrics:
        metrics = Metrics()
        metrics.gauge("gpu_memory_used_bytes", "Bytes of the tensors on the device.", self.device.used_bytes)
        metrics.gauge("gpu_memory_total_bytes", "Bytes that the device has.", self.device.total_bytes)
        metrics.gauge("gpu_out_of_memory_errors", "Orders refused for want of memory.", lambda: self._out_of_memory)
        metrics.gauge("gpu_smaller_retries", "Batches tried again with fewer rows.", lambda: self._retries)
        return metrics

    async def predict(self, request: Request) -> Response:
        """Answer `{"seed": 1, "rows": 32, …}` with scores; 503 when the device has no memory for it."""
        try:
            result = await self.inference.answer(read_order(await body(request)))
        except UnknownLabelError as e:
            self.references.note_error(e)
            self._note(f"refused: {e}")
            return error(422, str(e))
        except ValueError as e:
            return error(422, str(e))
        except torch.OutOfMemoryError as e:
            self._out_of_memory += 1
            self._note(f"{self.device.name}: {e}")
            return error(503, str(e))
        self._retries += result.retries
        return JSONResponse(result._asdict())

    def _note(self, line: str) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    async def health(self, _request: Request) -> Response:
        """Whether the service answers, and on which device."""
        return JSONResponse({"status": "ok", "device": self.device.name})

    def empty_cache(self) -> dict[str, object]:
        """Let go of the free staging blocks, then of what the device keeps for no tensor."""
        return {"block_bytes": self.staging.empty(), "called": self.device.empty_cache()}

    async def debug_memory(self, _request: Request) -> Response:
        """Who holds how much, of the host's memory and of the device's."""
        return JSONResponse(
            {
                "pid": os.getpid(),
                **memory.resident(),
                "device": self.device.name,
                "used_bytes": self.device.used_bytes(),
                "total_bytes": self.device.total_bytes(),
                "free_block_bytes": self.staging.free_bytes,
                "versions": len(self.versions),
                "embeddings": len(self.embeddings),
                "gc_counts": gc.get_count(),
            }
        )

    async def debug_summary(self, _request: Request) -> Response:
        """The device's own table."""
        return PlainTextResponse(self.device.summary())

    async def debug_profile(self, _request: Request) -> Response:
        """One request under torch's profiler: which operations took how much memory."""
        return PlainTextResponse(await profiled(self.inference, Order()))


def _trimming(drop: Callable[[], dict[str, int]]) -> Callable[[], dict[str, object]]:
    def action() -> dict[str, object]:
        dropped = drop()
        return {**dropped, "trimmed": trim()}

    return action
