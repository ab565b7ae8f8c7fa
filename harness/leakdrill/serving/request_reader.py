"""Reads a request within one deadline for all of it: a client that drips a byte a second is cut off."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket

_LEAST_WAIT_S: Final = 0.001


class RequestReader(io.RawIOBase):
    """What comes from `connection` within `within_s` seconds from now, whatever the pieces that it comes in."""

    def __init__(self, connection: socket.socket, within_s: float) -> None:
        self._connection = connection
        self._deadline = time.monotonic() + within_s

    def readable(self) -> bool:
        """Returns that it can be read, as `io.BufferedReader` asks."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fills `buffer` with what there is.

        Raises:
            TimeoutError: when nothing came in time.
        """
        before = self._connection.gettimeout()
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the request had not ended in time")
        self._connection.settimeout(max(left_s, _LEAST_WAIT_S))
        try:
            return self._connection.recv_into(buffer)
        finally:
            self._connection.settimeout(before)
