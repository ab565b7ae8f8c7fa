"""The service put together: its parts, its public endpoints and its routes."""

from __future__ import annotations

import gc
import os
from functools import partial
from typing import TYPE_CHECKING

import torch
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from leaky_apps.service import memory
from leaky_apps.service.admin import Admin, body, error
from leaky_apps.service.metrics import Counted, Metrics
from leaky_apps.tensor import statistics
from leaky_apps.tensor.holdings import Holdings
from leaky_apps.tensor.inference import Inference, UnknownLabelError
from leaky_apps.tensor.leaks import every_leak
from leaky_apps.tensor.order import Order, read_order
from leaky_apps.tensor.profile import profiled
from leaky_apps.tensor.settings import tensor_settings

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
        self.held = held = Holdings(device)
        self.inference = Inference(device, held)
        self.leaks = every_leak(self.inference, held)
        self._out_of_memory = 0
        self._retries = 0
        self.metrics = self._published()
        self._admin = Admin(
            leaks=self.leaks,
            token=token,
            settings=tensor_settings(self.inference, device, held.references),
            actions={
                "empty-cache": self.empty_cache,
                "let-go": held.references.drop,
                "drop-references": self._giving_back(held.references.drop),
                "unload-versions": self._giving_back(lambda: {"versions": held.versions.unload()}),
                "clear-embeddings": self._giving_back(lambda: {"embeddings": held.embeddings.clear()}),
                "drop-graphs": self._giving_back(lambda: {"graphs": held.graphs.clear()}),
                "finish-transfers": self._giving_back(held.transfers.finish),
                "restart-loader": held.loader.stop,
            },
            handlers={"memory-snapshot": self.memory_snapshot},
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
        metrics, device = Metrics(), self.device
        if device.of_card:
            metrics.gauge("gpu_memory_used_bytes", "Bytes of the device that are in use.", device.used_bytes)
            metrics.gauge("gpu_memory_total_bytes", "Bytes that the device has.", device.total_bytes)
        for name, text in statistics.HELP.items():
            metrics.gauge(statistics.published(name), text, partial(self._statistic, name))
        metrics.gauge("torch_device_used_bytes", "Bytes of the device that are in use.", device.used_bytes)
        metrics.gauge(
            "torch_reserved_but_not_allocated_bytes",
            "Bytes that the allocator has and no tensor holds.",
            lambda: statistics.unused_bytes(device.statistics()),
        )
        metrics.gauge(
            "torch_fragmentation_ratio",
            "Share of what is reserved that is free and cannot go back.",
            lambda: statistics.fragmentation(device.statistics()),
        )
        metrics.gauge("gpu_out_of_memory_errors", "Orders refused for want of memory.", lambda: self._out_of_memory)
        metrics.gauge("gpu_smaller_retries", "Batches tried again with fewer rows.", lambda: self._retries)
        metrics.gauge("data_loader_restarts", "Workers started again.", lambda: self.held.loader.restarts)
        return metrics

    def _statistic(self, name: str) -> int:
        return self.device.statistics()[name]

    async def predict(self, request: Request) -> Response:
        """Answer `{"seed": 1, "rows": 32, …}` with scores; 503 when the device has no memory for it."""
        try:
            result = await self.inference.answer(read_order(await body(request)))
        except UnknownLabelError as e:
            self.held.references.note_error(e)
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
        return {"block_bytes": self.held.staging.empty(), "called": self.device.empty_cache()}

    def _giving_back(self, drop: Callable[[], dict[str, int]]) -> Callable[[], dict[str, object]]:
        """Let go, then give back to the device, and to the system, what no tensor uses any more."""
        return lambda: {**drop(), "called": self.device.empty_cache()}

    async def memory_snapshot(self, _request: Request) -> Response:
        """Every segment of the device's memory, with who made what lies in it, as torch's own snapshots show it."""
        return JSONResponse({"device": self.device.name, "segments": self.device.snapshot()})

    async def debug_memory(self, _request: Request) -> Response:
        """The holders of the host's memory and of the device's, with their bytes."""
        held, said = self.held, self.device.statistics()
        return JSONResponse(
            {
                "pid": os.getpid(),
                **memory.resident(),
                "device": self.device.name,
                "used_bytes": self.device.used_bytes(),
                "total_bytes": self.device.total_bytes(),
                "torch": {
                    **said,
                    "device_used_bytes": self.device.used_bytes(),
                    "reserved_but_not_allocated_bytes": statistics.unused_bytes(said),
                    "fragmentation_ratio": statistics.fragmentation(said),
                },
                "free_block_bytes": held.staging.free_bytes,
                "host_buffer_bytes": held.transfers.held_bytes,
                "versions": len(held.versions),
                "embeddings": len(held.embeddings),
                "graphs": len(held.graphs),
                "gc_counts": gc.get_count(),
            }
        )

    async def debug_summary(self, _request: Request) -> Response:
        """The device's own table."""
        return PlainTextResponse(self.device.summary())

    async def debug_profile(self, _request: Request) -> Response:
        """One request under torch's profiler: which operations took how much memory."""
        return PlainTextResponse(await profiled(self.inference, Order()))
