"""A small HTTP service around one package: `python service.py PACKAGE PORT`. Standard library, but for the package.

Each `GET /work` does once what leaks in the older version of the package and does not in the newer one.
"""

from __future__ import annotations

import asyncio
import functools
import sys
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from collections.abc import Callable


def multidict_work() -> None:
    """A CIMultiDict is made and dropped (aio-libs/multidict#1117)."""
    from multidict import CIMultiDict

    CIMultiDict([("Host", "example"), ("Accept", "*/*"), ("User-Agent", "drill")])


def hiredis_work() -> None:
    """A Reader is fed a RESP3 map (redis/hiredis-py#175)."""
    import hiredis

    reader = hiredis.Reader()
    reader.feed(b"%2\r\n+first\r\n:1\r\n+second\r\n:2\r\n")
    reader.gets()


def pydantic_work() -> None:
    """A TypeAdapter over a recursive model is built (pydantic/pydantic#8397)."""
    from pydantic import TypeAdapter

    TypeAdapter(list[recursive_model()]).validate_python([{"value": 1, "next": {"value": 2}}])  # type: ignore[misc]


@functools.cache
def recursive_model() -> Any:
    """A model that refers to itself; one for the life of the service."""
    from pydantic import create_model

    node = create_model("Node", value=(int, ...), next=("Optional[Node]", None))
    node.model_rebuild(_types_namespace={"Node": node, "Optional": Optional})
    return node


def ujson_work() -> None:
    """An integer beyond 64 bits is read (CVE-2026-32874)."""
    import ujson

    ujson.loads("[1234567890123456789012345678901234567890]")


WORK: dict[str, Callable[[], None]] = {
    "multidict": multidict_work,
    "hiredis": hiredis_work,
    "pydantic": pydantic_work,
    "ujson": ujson_work,
}


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests have no body."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head, self._received = self._received[:end], self._received[end + 4 :]
            if head.startswith(b"GET /work"):
                self._work()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def serve(package: str, port: int) -> None:
    """Serve one of the packages above."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(WORK[package]), "127.0.0.1", port)
    await server.serve_forever()


def serve_aiohttp(port: int) -> None:
    """Serve aiohttp with a middleware, asked for what is not there (CVE-2024-52303)."""
    from aiohttp import web

    @web.middleware
    async def passes_on(request: web.Request, handler: Callable[[web.Request], object]) -> object:
        return await handler(request)

    async def health(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    app = web.Application(middlewares=[passes_on])
    app.router.add_get("/health", health)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    if sys.argv[1] == "aiohttp":
        serve_aiohttp(int(sys.argv[2]))
    else:
        asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
