"""The gateway put together: its parts, its public endpoints and its routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from leaky_apps.gateway.debug import DebugMemory
from leaky_apps.gateway.metrics import gateway_metrics
from leaky_apps.gateway.parts import Parts
from leaky_apps.gateway.predict import Predict
from leaky_apps.gateway.settings import all_settings, gateway_settings, inference_settings
from leaky_apps.service import memory
from leaky_apps.service.admin import Admin
from leaky_apps.service.metrics import Counted
from leaky_apps.service.mode import ModeSwitch
from leaky_apps.service.profile import profile_route

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import ASGIApp


class Gateway:
    """One service.

    Args:
        disk: the folder of `gateway.log` and of every other file.
        token: what admin endpoints ask for; empty turns them off.
    """

    def __init__(self, *, disk: Path, token: str) -> None:
        self._parts = parts = Parts(disk)
        self._metrics = gateway_metrics(parts.cache, parts.log)
        self._admin = Admin(
            leaks=parts.leaks,
            token=token,
            settings=all_settings(
                gateway_settings(parts.cache, parts.log, parts.admission),
                inference_settings(parts.inference, parts.workers, parts.reports),
            ),
            actions={"clear-cache": self.clear_cache, "clear-model-cache": self.clear_model_cache},
            handlers={"mode": ModeSwitch(parts.admission).handle},
        )

    def app(self) -> ASGIApp:
        """The ASGI application."""
        routes = [
            Route("/predict", Predict(self._parts).handle, methods=["POST"]),
            Route("/health", self.health),
            self._metrics.route(),
            Route("/debug/memory", DebugMemory(self._parts).handle),
            profile_route(),
            *self._admin.routes(),
        ]
        return Counted(Starlette(routes=routes), self._metrics, frozenset(route.path for route in routes))

    async def health(self, _request: Request) -> Response:
        """Whether the service answers, and in which mode."""
        return JSONResponse({"status": "ok", "mode": self._parts.admission.mode})

    def clear_cache(self) -> dict[str, object]:
        """Drop every cached response and hand the memory back."""
        return {"entries_cleared": self._parts.cache.clear(), "trimmed": memory.trim()}

    def clear_model_cache(self) -> dict[str, object]:
        """Drop every version of the model, in memory and on the disk, and hand the memory back."""
        return {"versions_cleared": self._parts.models.clear(), "trimmed": memory.trim()}
