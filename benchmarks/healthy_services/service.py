"""Healthy services that look like leaks: `python service.py PORT MODE`, standard library only.

MODE: `flat`; `lru` (a cache that is soon full); `session` (entries that live for a second); `sawtooth` (garbage in
cycles); `bursts` (one request in a hundred takes 4 MB for a moment); `threads` (a pool that is used by turns).
"""

from __future__ import annotations

import asyncio
import collections
import functools
import itertools
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBERS = itertools.count()
SESSIONS: collections.deque[tuple[float, bytes]] = collections.deque()
POOL = ThreadPoolExecutor(max_workers=4)


@functools.lru_cache(maxsize=2000)
def remembered(number: int) -> bytes:
    """An answer worth keeping."""
    return b"%d" % number * 60


def session() -> None:
    """A new entry; the old ones go when their second is over."""
    now = time.monotonic()
    SESSIONS.append((now, b"s" * 500))
    while SESSIONS[0][0] < now - 1:
        SESSIONS.popleft()


def garbage() -> None:
    """Two lists that know each other."""
    one: list[object] = [b"g" * 300]
    one.append([one])


def burst() -> None:
    """Most requests need nothing, some a lot."""
    if next(NUMBERS) % 100 == 0:
        len(bytearray(4_000_000))


MODES: dict[str, Callable[[], object]] = {
    "flat": lambda: None,
    "lru": lambda: remembered(next(NUMBERS) % 3000),
    "session": session,
    "sawtooth": garbage,
    "bursts": burst,
    "threads": lambda: POOL.submit(len, b""),
}


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests have no body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            self._received = self._received[end + 4 :]
            MODES[sys.argv[2]]()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def serve() -> None:
    """Serve until the end."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


asyncio.run(serve())
