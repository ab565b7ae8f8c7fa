"""The admin endpoints. Each asks for `Authorization: Bearer <token>`; without a token set, all of them are off."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from leaky_apps.leak import describe
from leaky_apps.service import memory

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from leaky_apps.leak import Leak
    from leaky_apps.service.settings import Settings

    Handler = Callable[[Request], Awaitable[Response]]


class Admin:
    """The handlers behind `/admin/`: `leaks`, `gc`, `config`, and what a service adds.

    Args:
        leaks: what `/admin/leaks` lists and switches.
        token: what every endpoint asks for; empty turns them all off.
        settings: what `/admin/config` shows and changes; left out, there is no such endpoint.
        actions: by name, what a bare `POST /admin/NAME` does; its result is the answer.
        handlers: by name, what answers `GET` and `POST /admin/NAME` where an action is not enough.
    """

    def __init__(
        self,
        *,
        leaks: Iterable[Leak],
        token: str,
        settings: Settings | None = None,
        actions: Mapping[str, Callable[[], Mapping[str, object]]] | None = None,
        handlers: Mapping[str, Handler] | None = None,
    ) -> None:
        self._leaks = {leak.name: leak for leak in leaks}
        self._token = token
        self._settings = settings
        self._actions = {"gc": memory.collect, **(actions or {})}
        self._handlers = dict(handlers or {})

    def routes(self) -> list[Route]:
        """Every admin route, guarded."""
        routes = [self._route("leaks", self.switch_leaks, "GET", "POST")]
        if self._settings is not None:
            routes.append(self._route("config", self.config, "GET", "POST"))
        routes += [self._route(name, _answering(action), "POST") for name, action in self._actions.items()]
        routes += [self._route(name, handler, "GET", "POST") for name, handler in self._handlers.items()]
        return routes

    def _route(self, name: str, handler: Handler, *methods: str) -> Route:
        async def guarded(request: Request) -> Response:
            return self._refusal(request) or await handler(request)

        return Route(f"/admin/{name}", guarded, methods=list(methods))

    def _refusal(self, request: Request) -> Response | None:
        if not self._token:
            return error(403, "admin endpoints are off; start the service with LEAKDRILL_TOKEN set to turn them on")
        given = request.headers.get("authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return None
        refusal = error(401, "expected the header Authorization: Bearer <token>, with this run's token")
        refusal.headers["WWW-Authenticate"] = "Bearer"
        return refusal

    async def config(self, request: Request) -> Response:
        """Show the settings, after changing those that a POST names."""
        assert self._settings is not None  # noqa: S101 - there is no such route otherwise
        if request.method == "POST":
            try:
                self._settings.change(await body(request))
            except ValueError as e:
                return error(422, str(e))
        return JSONResponse(self._settings.show())

    async def switch_leaks(self, request: Request) -> Response:
        """List the leaks, after switching those that a POST names: `{"unbounded-cache": true}`."""
        if request.method == "POST":
            try:
                wanted = _switches(await body(request), self._leaks)
            except ValueError as e:
                return error(422, str(e))
            for name, on in wanted.items():
                self._leaks[name].switch(on=on)
        return JSONResponse({"leaks": [describe(leak) for leak in self._leaks.values()]})


def error(status: int, message: str) -> JSONResponse:
    """An answer that says in one sentence what was wrong with a request."""
    return JSONResponse({"error": message}, status_code=status)


async def body(request: Request) -> Any:
    """The body of `request`, parsed.

    Raises:
        ValueError: when it is not JSON.
    """
    try:
        return json.loads(await request.body())
    except ValueError as e:
        raise ValueError(f"the body is not JSON: {e}; expected an object") from e


def _answering(action: Callable[[], Mapping[str, object]]) -> Handler:
    async def handler(_request: Request) -> Response:
        return JSONResponse(dict(action()))

    return handler


def _switches(wanted: Any, leaks: Mapping[str, Leak]) -> dict[str, bool]:
    if not isinstance(wanted, dict):
        raise ValueError(f'found {type(wanted).__name__}; expected an object such as {{"unbounded-cache": true}}')  # noqa: TRY004 - likewise
    for name, on in wanted.items():
        if name not in leaks:
            raise ValueError(f"{name}: is no leak of this service; expected one of {', '.join(leaks)}")
        if not isinstance(on, bool):
            raise ValueError(f"{name}: found {on!r}; expected true or false")  # noqa: TRY004 - answered as 422
    return wanted
