"""A service that keeps what it is told to: `python keeper.py PORT MODE`, standard library only.

MODE: `nothing`; `every` (a small object of each request); `much` (48 KiB of each); `new` (one entry for each different
path); `threads`, `files` (one of them for every fiftieth request).
"""

from __future__ import annotations

import asyncio
import sys
import threading

KEPT: list[object] = []
SEEN: list[dict[bytes, bytes]] = [{} for _ in range(4096)]
"""Many small tables: one large one would grow in leaps, each of megabytes."""


class Visit:
    """What is kept of a request."""

    def __init__(self, path: bytes) -> None:
        self.path = path + b"?" * 100


def keep(mode: str, path: bytes, count: int) -> None:
    """Hold on to something, as MODE says."""
    if mode == "every":
        KEPT.append(Visit(path))
    elif mode == "much":
        KEPT.append(b"?" * 49152)
    elif mode == "new":
        SEEN[hash(path) % len(SEEN)].setdefault(path, path * 8)
    elif mode == "threads" and count % 50 == 0:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    elif mode == "files" and count % 50 == 0:
        KEPT.append(open("/dev/null", "rb"))  # noqa: PTH123, SIM115 - left open on purpose


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests have no body."""

    count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            path = self._received.split(b" ", 2)[1]
            self._received = self._received[end + 4 :]
            Connection.count += 1
            if path != b"/health":
                keep(sys.argv[2], path, Connection.count)
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def serve() -> None:
    """Serve until the end."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


asyncio.run(serve())
