"""The master's link to remote workers: it writes their counts to files, and sends them the target's addresses.

Each worker gets a counter file like that of a worker on this machine, so that a reader sees no difference.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import gevent
from locust.rpc import Message

from leakdrill.load.in_locust.counters import mapped_cells, unpacked
from leakdrill.load.in_locust.messages import ADDRESSES, COUNTS

if TYPE_CHECKING:
    from pathlib import Path
    from socket import socket

    from locust.env import Environment

_LAST_REPORT_S: Final = 2.0
_POLL_S: Final = 0.05

_REPEAT_S: Final = 1.0
"""How often the addresses are sent again, for a worker that was not there the last time."""


class WorkerCollector:
    """Collects counts from remote workers, and passes addresses on to them.

    Args:
        folder: where the counts go.
        source: a stream socket from the harness, as gevent has replaced it; each line is a JSON list of addresses.
    """

    def __init__(self, folder: Path, source: socket) -> None:
        self._folder = folder
        self._source = source
        self._cells: dict[str, memoryview] = {}
        self._addresses: list[str] = []

    def attach(self, environment: Environment) -> None:
        """Begin, once the master exists."""
        runner: Any = environment.runner
        runner.register_message(COUNTS, self._on_counts)
        environment.events.worker_report.add_listener(self._on_report)  # type: ignore[no-untyped-call]
        environment.events.quitting.add_listener(_wait_for_last_reports)  # type: ignore[no-untyped-call]
        gevent.spawn(self._listen, runner)
        gevent.spawn(self._repeat, runner)

    def write(self, client_id: str, packed: bytes) -> None:
        """Replace the counts of one worker: each number only grows.

        Raises:
            ValueError: when they are not counts.
        """
        cells = unpacked(packed)
        held = self._cells.get(client_id)
        if held is None:
            self._cells[client_id] = mapped_cells(self._folder, f"worker-{len(self._cells) + 1}", cells)
        else:
            held.cast("B")[:] = cells

    def _on_counts(self, msg: Any, **_others: Any) -> None:
        self.write(msg.node_id, msg.data)

    def _on_report(self, client_id: str, data: dict[str, Any], **_others: Any) -> None:
        if COUNTS in data:
            self.write(client_id, data[COUNTS])

    def _listen(self, runner: Any) -> None:
        rest = b""
        while received := self._source.recv(65536):
            *lines, rest = (rest + received).split(b"\n")
            for line in lines:
                self._addresses = json.loads(line)
                runner.send_message(ADDRESSES, self._addresses)

    def _repeat(self, runner: Any) -> None:
        while True:
            gevent.sleep(_REPEAT_S)
            if self._addresses:
                runner.send_message(ADDRESSES, self._addresses)


def _wait_for_last_reports(environment: Environment, **_others: Any) -> None:
    """Let the workers quit before the master does: each reports its counts, and only then that it leaves.

    Locust's master would listen for half a second more, and running tasks may take longer than that to end.
    """
    runner: Any = environment.runner
    runner.stop(send_stop_to_client=False)
    for client in runner.clients.all:
        quit_message = Message("quit", None, client.id)  # type: ignore[no-untyped-call]
        runner.server.send_to_client(quit_message)
    with gevent.Timeout(environment.stop_timeout + _LAST_REPORT_S, exception=False):
        while runner.worker_count:
            gevent.sleep(_POLL_S)
