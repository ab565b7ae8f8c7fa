"""The harness's end of the line to a Locust that can be paused: orders out, reports of "drained" back."""

from __future__ import annotations

import select
import socket
import time

import orjson


class PauseLine:
    """A pair of connected sockets; Locust gets the far one. Orders are numbered, and a report names its order.

    A flag in mapped memory was the alternative: one side must then poll it, and either reacts late or costs the load
    generator time. Here both sides sleep until something arrives.

    Attributes:
        by_name: requests under each name that the locustfile gives them, as of the last report.
    """

    def __init__(self) -> None:
        self._near, self._far = socket.socketpair()
        self._near.settimeout(0)
        self._order = 0
        self._rest = b""
        self._drained: tuple[int, float] = (0, 0.0)
        self.by_name: dict[str, int] = {}

    @property
    def far_fd(self) -> int:
        """The descriptor that Locust inherits."""
        return self._far.fileno()

    def hand_over(self) -> None:
        """Close our copy of the far end, so that Locust's end shows as the end of the line."""
        self._far.close()

    def close(self) -> None:
        """Close what is open. Safe to call twice."""
        self._near.close()
        self._far.close()

    def order(self, word: str, *numbers: int) -> None:
        """Send an order.

        Raises:
            OSError: when Locust is gone.
        """
        self._order += 1
        self._near.sendall(" ".join([word, str(self._order), *map(str, numbers)]).encode() + b"\n")

    def drained_s(self) -> float | None:
        """Returns the seconds the users took to come to rest after the last order; None while they have not.

        Raises:
            EOFError: when Locust is gone and had not reported it.
        """
        ended = self._read()
        order, seconds = self._drained
        if order and order == self._order:
            return seconds
        if ended:
            raise EOFError
        return None

    def wait_drained_s(self, timeout_s: float) -> float | None:
        """Waits for `drained_s`; None when the time is over.

        Raises:
            EOFError: when Locust is gone and had not reported it.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            seconds = self.drained_s()
            left_s = deadline - time.monotonic()
            if seconds is not None or left_s <= 0:
                return seconds
            select.select([self._near], [], [], left_s)

    def _read(self) -> bool:
        """Read what has arrived; returns whether the line has ended."""
        while True:
            try:
                received = self._near.recv(4096)
            except BlockingIOError:
                return False
            except ConnectionResetError:
                return True
            if not received:
                return True
            *lines, self._rest = (self._rest + received).split(b"\n")
            for line in lines:
                order, seconds, names = line.split(b" ", 2)
                self._drained = (int(order), float(seconds))
                self.by_name = orjson.loads(names)
