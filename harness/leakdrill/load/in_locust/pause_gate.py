"""The pause gate, where Locust's users wait between two tasks while the load is paused.

It reports when the load is drained, and can shut by itself after a number of requests.

While it is shut, the load's own clock stands still. Every wait is measured on that clock, so that a pause moves all
that was due by its own length, and nobody has anything to catch up afterwards. Waking everybody at once was tried
first: with a rate, all users whose turn came during the pause then hit the target in the same millisecond.

All of it runs in one process and on one thread: between two waits of gevent nothing else runs, so it has no lock.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class PauseGate:
    """A gate before every task, open at first.

    Args:
        on_drained: called once for each order that shut it, when the last user has come to rest: with the order's
            number and the seconds it took since that shut it.
        clock: monotonic seconds.
    """

    def __init__(self, on_drained: Callable[[int, float], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._on_drained = on_drained
        self._monotonic = clock
        self._open = Event()
        self._open.set()
        self._shut_at: float | None = None
        self._frozen_s = 0.0
        self._closures = 0
        self._paused = False
        self._limit: int | None = None
        self._made = 0
        self._owing: set[Any] = set()
        self._busy = 0
        self._in_flight = 0
        self._order = 0
        self._ordered_at = 0.0
        self._reported_order = 0

    @property
    def busy(self) -> int:
        """The users that are neither between two tasks nor held: they may send a request at any moment."""
        return self._busy

    def frozen_s(self) -> float:
        """Returns the seconds for which it has been shut, in all."""
        return self._frozen_s + (0.0 if self._shut_at is None else self._monotonic() - self._shut_at)

    def clock(self) -> float:
        """Returns seconds on the load's clock, which stands still while the pause gate is shut."""
        return self._monotonic() - self.frozen_s()

    def pause(self, order: int) -> None:
        """Shut the gate until `resume`."""
        self._paused = True
        self._carry_out(order)

    def resume(self, order: int, requests: int | None = None) -> None:
        """Open the gate; with `requests`, it shuts by itself after exactly so many.

        A task may make any number of requests. A place is kept for each task under way that has made none yet, so
        that tasks of one request (or none) make exactly `requests`; tasks of several may go over by what those under
        way still send.
        """
        self._paused, self._limit, self._made = False, requests, 0
        self._owing.clear()
        self._carry_out(order)

    @contextlib.contextmanager
    def user(self) -> Iterator[None]:
        """Counts one user from its start to its end; a new one waits while the gate is shut."""
        self._busy += 1
        try:
            if self._shut_at is not None:
                with self._resting():
                    self._wait_open()
            yield
        finally:
            self._busy -= 1
            self._settle()

    def sleep(self, seconds: float) -> float:
        """Sleep on the load's clock; the user counts as at rest. Returns the seconds it was held on top."""
        frozen_s, closures, due = self.frozen_s(), self._closures, self.clock() + seconds
        shut = self._shut_at is not None
        with self._resting():
            gevent.sleep(seconds)
            while shut or self._closures != closures:
                self._wait_open()
                shut, closures = False, self._closures
                gevent.sleep(max(0.0, due - self.clock()))
        return self.frozen_s() - frozen_s

    def hold(self) -> float:
        """Wait until the user may begin a task; returns the seconds it was held."""
        frozen_s = self.frozen_s()
        if self._shut_at is not None:
            with self._resting():
                self._wait_open()
        if self._limit is not None:
            self._owing.add(gevent.getcurrent())
            self._settle()
        return self.frozen_s() - frozen_s

    @property
    def shut(self) -> bool:
        """Whether a user that wants to begin a task must wait."""
        return self._shut_at is not None

    def task_ended(self) -> None:
        """Note that the current user's task is over; when it made no request, its place is free again."""
        if self._owing:
            self._owing.discard(gevent.getcurrent())
            self._settle()

    def on_request(self, **_fields: Any) -> None:
        """Handle Locust's `request` event: one more was made, whatever came of it."""
        if self._limit is not None:
            self._made += 1
            self._owing.discard(gevent.getcurrent())
            self._settle()

    @contextlib.contextmanager
    def request(self) -> Iterator[None]:
        """Counts one request from its first byte to its last, whoever sends it."""
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1
            if self._shut_at is not None:
                self._settle()

    @contextlib.contextmanager
    def _resting(self) -> Iterator[None]:
        self._busy -= 1
        try:
            if self._shut_at is not None:
                self._settle()
            yield
        finally:
            self._busy += 1

    def _wait_open(self) -> None:
        while self._shut_at is not None:
            self._open.wait()

    def _carry_out(self, order: int) -> None:
        self._order, self._ordered_at = order, self._monotonic()
        self._settle()

    def _settle(self) -> None:
        """Shut or open as the orders and the count say, and report once when the load is drained."""
        full = self._limit is not None and self._made + len(self._owing) >= self._limit
        shut = self._paused or full
        if shut and self._shut_at is None:
            self._shut_at = self._monotonic()
            self._closures += 1
            self._open.clear()
        elif not shut and self._shut_at is not None:
            self._frozen_s += self._monotonic() - self._shut_at
            self._shut_at = None
            self._open.set()
        drained = self._shut_at is not None and not self._busy and not self._in_flight
        if drained and self._reported_order != self._order and self._shut_at is not None:
            self._reported_order = self._order
            self._on_drained(self._order, self._monotonic() - max(self._shut_at, self._ordered_at))
