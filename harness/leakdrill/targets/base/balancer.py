"""A loopback address behind which the pods of a workload answer: what a Service is inside of a cluster.

Each connection goes to the ready pod that has the fewest, through the API server. Like a Service it spreads connections
and not requests, and HTTP keeps connections open; so when a pod leaves, or pods come, a connection goes on to another
pod with the next request that its client sends. The client notices nothing: to close its connection would fail a
request that is under way, and a drill would blame the service for it.

While the API server does not answer, connections wait instead of breaking: what fails then is not the service, and a
drill that reported it as failed requests would blame the wrong one.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from leakdrill.errors import EnvironmentProblem
from leakdrill.machine.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_CHUNK_BYTES: Final = 65536
_IDLE_S: Final = 0.3
"""Without a byte for so long, after bytes from the pod, a connection stands between two requests."""
_WAIT_S: Final = 0.2
_METHODS: Final = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE"})


class Connection(Protocol):
    """An open connection to a pod, or to what is one outside of a cluster."""

    def fileno(self) -> int:
        """For `select`."""

    def pending(self) -> bool:
        """Whether there is something to receive that `select` cannot see."""

    def send(self, data: bytes) -> None:
        """Send `data`. Raises OSError when the connection is gone."""

    def receive(self) -> bytes | None:
        """The next piece of data, None at the end. Raises OSError when the connection broke."""

    def close(self) -> None:
        """Close it."""


class Balancer:
    """Listens on `port` of loopback from `start` to `stop`.

    Args:
        port: on this machine.
        pods: the names of those that are ready now.
        connect: opens a connection to a pod.
        answers: whether the API server does.
    """

    def __init__(
        self,
        port: int,
        *,
        pods: Callable[[], Sequence[str]],
        connect: Callable[[str], Connection],
        answers: Callable[[], bool],
    ) -> None:
        self._port = port
        self._pods = pods
        self._connect = connect
        self._answers = answers
        self._listener: socket.socket | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: Counter[str] = Counter()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://{LOOPBACK}:{self._port}"

    def start(self) -> None:
        """Begin to listen.

        Raises:
            EnvironmentProblem: when the port is taken.
        """
        try:
            self._listener = socket.create_server((LOOPBACK, self._port), backlog=128)
        except OSError as e:
            raise EnvironmentProblem(
                f"port {self._port} of {LOOPBACK} cannot be listened on: {e.strerror}; expected a free port",
                hint="leave target.port out: then a free port is chosen",
            ) from e
        threading.Thread(target=self._accept, name="forward-accept", daemon=True).start()

    def stop(self) -> None:
        """Stop listening, and let go of every connection."""
        self._stopping.set()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def connections(self, pod: str) -> int:
        """How many are open to `pod`."""
        with self._lock:
            return self._open[pod]

    def _accept(self) -> None:
        assert self._listener is not None  # noqa: S101 - `start` made it
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(near,), name="forward", daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near:
            pod = self._take()
            if pod is None:
                return
            place = _Place(pod)
            try:
                self._carry(near, place)
            finally:
                with self._lock:
                    self._open[place.pod] -= 1

    def _carry(self, near: socket.socket, place: _Place) -> None:
        try:
            far = self._connect(place.pod)
            _Relay(near, far, better=partial(self._better, place), stopping=self._stopping).run()
        except (OSError, EnvironmentProblem):
            while not self._stopping.is_set() and not self._answers():
                self._stopping.wait(_WAIT_S)

    def _take(self) -> str | None:
        """The ready pod with the fewest connections; None when there is none."""
        ready = self._pods()
        with self._lock:
            if not ready:
                return None
            self._open = +self._open  # without those that have none, and may be gone
            pod = min(ready, key=lambda name: self._open[name])
            self._open[pod] += 1
        return pod

    def _better(self, place: _Place, *, leaving: bool) -> Connection | None:
        """A connection to a pod that is better than `place`; None when there is none, or it cannot be reached.

        Better is another pod where this one leaves, and, unless `leaving`, one that has two connections less.
        """
        before, ready = place.pod, self._pods()
        if not ready or (leaving and before in ready):
            return None
        with self._lock:
            after = min(ready, key=lambda name: self._open[name])
            if before in ready and self._open[before] <= self._open[after] + 1:
                return None
            self._move(place, after)  # counted before it is there, or all that ask at the same moment would go
        try:
            return self._connect(after)
        except (OSError, EnvironmentProblem):
            with self._lock:
                self._move(place, before)
            return None

    def _move(self, place: _Place, pod: str) -> None:
        self._open[place.pod] -= 1
        self._open[pod] += 1
        place.pod = pod


@dataclass
class _Place:
    """The pod to which a connection goes, and which counts it."""

    pod: str


class _Relay:
    """Passes bytes between a client and a pod until one of them ends."""

    def __init__(
        self,
        near: socket.socket,
        far: Connection,
        *,
        better: Callable[..., Connection | None],
        stopping: threading.Event,
    ) -> None:
        self._near = near
        self._far = far
        self._better = better
        self._stopping = stopping
        self._answered = False

    def run(self) -> None:
        """Return when it is over. Raises OSError when the far side broke."""
        try:
            while not self._stopping.is_set():
                near, far = self._wait()
                if not near and not far and self._answered:
                    self._go_on(leaving=True)
                if (near and not self._from_near()) or (far and not self._from_far()):
                    return
        finally:
            self._far.close()

    def _go_on(self, *, leaving: bool) -> None:
        """Go on to a better pod, if there is one. Between two requests only."""
        better = self._better(leaving=leaving)
        if better is not None:
            self._far.close()
            self._far = better

    def _wait(self) -> tuple[bool, bool]:
        timeout_s = _IDLE_S if self._answered else _WAIT_S
        ends: list[socket.socket | Connection] = [self._near, self._far]
        readable = select.select(ends, [], [], 0 if self._far.pending() else timeout_s)[0]
        return self._near in readable, self._far in readable or self._far.pending()

    def _from_near(self) -> bool:
        try:
            data = self._near.recv(_CHUNK_BYTES)
        except OSError:
            return False
        if not data:
            return False
        if self._answered and data.split(b" ", 1)[0] in _METHODS:  # a client that has its answer asks anew
            self._go_on(leaving=False)
        self._answered = False
        self._far.send(data)
        return True

    def _from_far(self) -> bool:
        data = self._far.receive()
        if data is None:
            return False
        if data:
            try:
                self._near.sendall(data)
            except OSError:
                return False
            self._answered = True
        return True
