"""`python -m leakdrill.load.in_locust.worker_main --worker …`: a Locust worker that runs elsewhere, with our listener.

This file and the few that it imports are brought along into the worker's container (worker_files.py), so that any image
with Locust will do. They may import nothing but the standard library, Locust and one another.
"""

from __future__ import annotations

import locust  # isort: skip - gevent patches the standard library, and must do so before anything else is imported

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

import gevent
import locust.main
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession
from locust.exception import RPCError

from leakdrill.load.in_locust.counters import Counts
from leakdrill.load.in_locust.messages import (
    ADDRESSES,
    COUNTS,
    HOSTS_ENV,
    LASTS_ENV,
    REPORT_S,
    WORKER_COUNT_ENV,
    WORKER_INDEX_ENV,
    WORKER_PERIOD_ENV,
)
from leakdrill.load.in_locust.pacing import paced
from leakdrill.load.in_locust.target_addresses import Addresses

if TYPE_CHECKING:
    from locust.env import Environment

_TAKEN: Final = (HOSTS_ENV, LASTS_ENV, WORKER_INDEX_ENV, WORKER_COUNT_ENV, WORKER_PERIOD_ENV)


class Worker:
    """Counts, says so to the master ten times a second, and leads users to where the target answers.

    Args:
        addresses: where it answers.
        period_s: seconds between two tasks of a user; None leaves the locustfile's own wait times.
    """

    def __init__(self, addresses: Addresses, *, period_s: float | None) -> None:
        self._addresses = addresses
        self._period_s = period_s
        self._counts = Counts()
        self._told = 0

    def register(self) -> None:
        """Listen first, before the locustfile is loaded: its own listeners may end a user by raising."""
        locust.events.request.add_listener(self._counts.on_request)  # type: ignore[no-untyped-call]
        locust.events.request.add_listener(self._addresses.on_request)  # type: ignore[no-untyped-call]
        self._addresses.lead((HttpSession, FastHttpSession))
        locust.events.init.add_listener(self._on_init)  # type: ignore[no-untyped-call]
        locust.events.report_to_master.add_listener(self._on_report)  # type: ignore[no-untyped-call]

    def _on_init(self, environment: Environment, runner: Any, **_others: Any) -> None:
        if self._period_s is not None:
            wait_time = paced(self._period_s)
            for user in environment.user_classes:
                user.wait_time = wait_time
        runner.register_message(ADDRESSES, self._on_addresses)
        gevent.spawn(self._tell, runner)

    def _on_addresses(self, msg: Any, **_others: Any) -> None:
        self._addresses.change(msg.data)

    def _on_report(self, data: dict[str, Any], **_others: Any) -> None:
        """Locust's own report, every three seconds and once more at the end: nothing is missing after the last one."""
        data[COUNTS] = self._counts.packed()

    def _tell(self, runner: Any) -> None:
        while True:
            ended = self._counts.ended
            if ended != self._told:
                with contextlib.suppress(RPCError):  # Locust's own report brings it
                    runner.send_message(COUNTS, self._counts.packed())
                    self._told = ended
            gevent.sleep(REPORT_S)


def main() -> None:
    """Register the listener, then be Locust, for a bounded time whatever becomes of the master."""
    taken = {name: os.environ.pop(name, "") for name in _TAKEN}
    signal.alarm(int(taken[LASTS_ENV]))
    addresses = Addresses(
        taken[HOSTS_ENV].split(), worker_index=int(taken[WORKER_INDEX_ENV]), worker_count=int(taken[WORKER_COUNT_ENV])
    )
    period = taken[WORKER_PERIOD_ENV]
    Worker(addresses, period_s=float(period) if period else None).register()
    sys.argv[0] = "locust"
    locust.main.main()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
