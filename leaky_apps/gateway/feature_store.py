"""The feature store that the gateway asks: a small server of its own on loopback, and the pool of connections to it."""

from __future__ import annotations

import asyncio
from typing import Final

_IDLE: Final = 4

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class FeatureStore:
    """Answers one line for each line. It starts with the first question.

    A connection takes two descriptors of this process, because both of its ends are here.

    Attributes:
        return_connections: whether a connection goes back to the pool after its answer.
    """

    def __init__(self) -> None:
        self.return_connections = True
        self._server: asyncio.Server | None = None
        self._idle: list[Connection] = []
        self._lost: list[Connection] = []
        self._starting = asyncio.Lock()

    @property
    def open_connections(self) -> int:
        """The number of open connections that nobody uses."""
        return len(self._idle) + len(self._lost)

    async def lookup(self, key: str) -> bool:
        """Ask for the features of `key`; False when no connection could be had, and the request does without."""
        try:
            connection = self._idle.pop() if self._idle and self.return_connections else await self._connect()
        except OSError:
            return False
        reader, writer = connection
        writer.write(key.encode(errors="replace").replace(b"\n", b" ") + b"\n")
        found = await reader.readline()
        await self._give_back(connection)
        return bool(found)

    async def _give_back(self, connection: Connection) -> None:
        if not self.return_connections:
            self._lost.append(connection)
        elif len(self._idle) < _IDLE:
            self._idle.append(connection)
        else:
            connection[1].close()
            await connection[1].wait_closed()

    async def _connect(self) -> Connection:
        async with self._starting:
            if self._server is None:
                self._server = await asyncio.start_server(_answer, "127.0.0.1", 0)
        return await asyncio.open_connection("127.0.0.1", self._server.sockets[0].getsockname()[1])


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(b"features of " + line)
        await writer.drain()
    writer.close()
