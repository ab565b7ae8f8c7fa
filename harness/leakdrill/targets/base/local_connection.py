"""One connection to a replica on this machine, as the forwarder in front of replicas carries it."""

from __future__ import annotations

import socket
from typing import Final

_TIMEOUT_S: Final = 10.0
_CHUNK_BYTES: Final = 65536


class LocalConnection:
    """An open connection to `port` of `host`. Raises OSError when nobody listens there."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), timeout=_TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        """For `select`."""
        return self._socket.fileno()

    def pending(self) -> bool:
        """Never: `select` sees all there is."""
        return False

    def send(self, data: bytes) -> None:
        """Send `data`. Raises OSError when the connection is gone."""
        self._socket.sendall(data)

    def receive(self) -> bytes | None:
        """The next piece of data; None at the end. Raises OSError when the connection broke."""
        return self._socket.recv(_CHUNK_BYTES) or None

    def close(self) -> None:
        """Close it."""
        self._socket.close()
