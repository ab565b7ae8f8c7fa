"""The admin endpoints. Each asks for `Authorization: Bearer <token>`; without a token set, all of them are off."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from leaky_apps.gateway import memory
from leaky_apps.gateway.leaks.leak import describe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from leaky_apps.gateway.leaks.leak import Leak
    from leaky_apps.gateway.settings import Settings

    Handler = Callable[[Request], Awaitable[Response]]


class Admin:
    """The handlers behind `/admin/`."""

    def __init__(self, settings: Settings, leaks: dict[str, Leak], token: str) -> None:
        self._settings = settings
        self._leaks = leaks
        self._token = token

    def routes(self) -> list[Route]:
        """Every admin route, guarded."""
        return [
            self._route("clear-cache", self.clear_cache, "POST"),
            self._route("gc", self.collect, "POST"),
            self._route("config", self.config, "GET", "POST"),
            self._route("mode", self.mode, "GET", "POST"),
            self._route("leaks", self.switch_leaks, "GET", "POST"),
        ]

    def _route(self, name: str, handler: Handler, *methods: str) -> Route:
        async def guarded(request: Request) -> Response:
            return self._refusal(request) or await handler(request)

        return Route(f"/admin/{name}", guarded, methods=list(methods))

    def _refusal(self, request: Request) -> Response | None:
        if not self._token:
            return _error(403, "admin endpoints are off; start the gateway with LEAKDRILL_TOKEN set to turn them on")
        given = request.headers.get("authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return None
        refusal = _error(401, "expected the header Authorization: Bearer <token>, with this run's token")
        refusal.headers["WWW-Authenticate"] = "Bearer"
        return refusal

    async def clear_cache(self, _request: Request) -> Response:
        """Drop every cached response and hand the memory back."""
        count = self._settings.cache.clear()
        return JSONResponse({"entries_cleared": count, **memory.collect()})

    async def collect(self, _request: Request) -> Response:
        """Run the garbage collector; what the cache holds is no garbage."""
        return JSONResponse(memory.collect())

    async def config(self, request: Request) -> Response:
        """Show the settings, after changing those that a POST names."""
        if request.method == "POST":
            try:
                self._settings.change(await _body(request))
            except ValueError as e:
                return _error(422, str(e))
        return JSONResponse(self._settings.show())

    async def mode(self, request: Request) -> Response:
        """Show the mode, after changing it on POST: `{"mode": "degraded", "accept_rate": 0.5}`."""
        admission = self._settings.admission
        if request.method == "POST":
            try:
                mode, rate = _mode(await _body(request))
            except ValueError as e:
                return _error(422, str(e))
            admission.mode, admission.accept_rate = mode, rate
        return JSONResponse({"mode": admission.mode, "accept_rate": admission.accept_rate})

    async def switch_leaks(self, request: Request) -> Response:
        """List the leaks, after switching those that a POST names: `{"unbounded-cache": true}`."""
        if request.method == "POST":
            try:
                wanted = _switches(await _body(request), self._leaks)
            except ValueError as e:
                return _error(422, str(e))
            for name, on in wanted.items():
                self._leaks[name].switch(on=on)
        return JSONResponse({"leaks": [describe(leak) for leak in self._leaks.values()]})


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status)


async def _body(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError as e:
        raise ValueError(f"the body is not JSON: {e}; expected an object") from e


def _mode(wanted: Any) -> tuple[Any, float]:
    if not isinstance(wanted, dict) or wanted.get("mode") not in ("normal", "degraded"):
        raise ValueError(f'mode: found {wanted!r}; expected {{"mode": "normal"}} or {{"mode": "degraded", …}}')
    if wanted["mode"] == "normal":
        return "normal", 1.0
    rate = wanted.get("accept_rate", 0.5)
    if not isinstance(rate, int | float) or isinstance(rate, bool) or not 0 <= rate <= 1:
        raise ValueError(f"accept_rate: found {rate!r}; expected a number from 0 to 1")
    return "degraded", float(rate)


def _switches(wanted: Any, leaks: dict[str, Leak]) -> dict[str, bool]:
    if not isinstance(wanted, dict):
        raise ValueError(f'found {type(wanted).__name__}; expected an object such as {{"unbounded-cache": true}}')  # noqa: TRY004 - likewise
    for name, on in wanted.items():
        if name not in leaks:
            raise ValueError(f"{name}: is no leak of this service; expected one of {', '.join(leaks)}")
        if not isinstance(on, bool):
            raise ValueError(f"{name}: found {on!r}; expected true or false")  # noqa: TRY004 - answered as 422
    return wanted
