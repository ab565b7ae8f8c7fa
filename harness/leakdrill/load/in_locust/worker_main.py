"""`python -m leakdrill.load.in_locust.worker_main --worker …`: a remote Locust worker with our listener.

This file and the few that it imports are copied into the worker's container (worker_bundle.py), so that any image with
Locust will do. They may import nothing but the standard library, Locust and one another.
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

from leakdrill.load.in_locust.bounded_log import bound_log
from leakdrill.load.in_locust.bounded_stats import bound_stats
from leakdrill.load.in_locust.counters import Counters
from leakdrill.load.in_locust.lifeline import Heartbeats
from leakdrill.load.in_locust.messages import ADDRESSES, COUNTS, REPORT_S
from leakdrill.load.in_locust.pacing import paced
from leakdrill.load.in_locust.redirects import stay_with_target
from leakdrill.load.in_locust.sent_once import send_once
from leakdrill.load.in_locust.target_addresses import TargetAddresses
from leakdrill.load.in_locust.task_reports import TaskReports
from leakdrill.load.in_locust.user_monitor import UserMonitor
from leakdrill.load.in_locust.variables import (
    HOSTS_ENV,
    LIFETIME_ENV,
    PERIOD_ENV,
    WORKER_COUNT_ENV,
    WORKER_INDEX_ENV,
)

if TYPE_CHECKING:
    from locust.env import Environment

_VARIABLES: Final = (HOSTS_ENV, LIFETIME_ENV, WORKER_INDEX_ENV, WORKER_COUNT_ENV, PERIOD_ENV)


class Worker:
    """Counts requests, reports them to the master ten times a second, and sends users to where the target answers.

    Args:
        addresses: where it answers.
        period_s: seconds between two tasks of a user; None leaves the locustfile's own wait times.
    """

    def __init__(self, addresses: TargetAddresses, *, period_s: float | None) -> None:
        self._addresses = addresses
        self._period_s = period_s
        self._counters = Counters()
        self._monitor = UserMonitor(self._counters)
        self._tasks = TaskReports(self._monitor)
        self._heartbeats = Heartbeats()
        self._reported = 0

    def register(self) -> None:
        """Listen first, before the locustfile is loaded: its own listeners may end a user by raising."""
        bound_stats()
        bound_log(locust.events)
        locust.events.request.add_listener(self._counters.on_request)  # type: ignore[no-untyped-call]
        stay_with_target()
        send_once()
        self._monitor.install()
        self._tasks.register()
        locust.events.heartbeat_received.add_listener(self._heartbeats.on_heartbeat)  # type: ignore[no-untyped-call]
        locust.events.request.add_listener(self._addresses.on_request)  # type: ignore[no-untyped-call]
        self._addresses.redirect((HttpSession, FastHttpSession))
        locust.events.init.add_listener(self._on_init)  # type: ignore[no-untyped-call]
        locust.events.report_to_master.add_listener(self._on_report)  # type: ignore[no-untyped-call]

    def _on_init(self, environment: Environment, runner: Any, **_others: Any) -> None:
        if self._period_s is not None:
            wait_time = paced(self._period_s)
            for user in environment.user_classes:
                user.wait_time = wait_time
        self._monitor.target_is(self._addresses.known)
        runner.register_message(ADDRESSES, self._on_addresses)
        gevent.spawn(self._report, runner)

    def _on_addresses(self, msg: Any, **_others: Any) -> None:
        self._addresses.change(msg.data)
        self._monitor.target_is(msg.data)

    def _on_report(self, data: dict[str, Any], **_others: Any) -> None:
        """Add the counts to Locust's own report, sent every three seconds and at the end: then none is missing."""
        data[COUNTS] = self._counters.packed()

    def _report(self, runner: Any) -> None:
        while True:
            changes = self._counters.changes
            if changes != self._reported:
                with contextlib.suppress(RPCError):  # Locust's own report brings it
                    runner.send_message(COUNTS, self._counters.packed())
                    self._reported = changes
            gevent.sleep(REPORT_S)


def main() -> None:
    """Register the listener, then be Locust, for a bounded time whatever becomes of the master."""
    settings = {name: os.environ.pop(name, "") for name in _VARIABLES}
    signal.alarm(int(settings[LIFETIME_ENV]))
    addresses = TargetAddresses(
        settings[HOSTS_ENV].split(),
        worker_index=int(settings[WORKER_INDEX_ENV]),
        worker_count=int(settings[WORKER_COUNT_ENV]),
    )
    period = settings[PERIOD_ENV]
    Worker(addresses, period_s=float(period) if period else None).register()
    sys.argv[0] = "locust"
    locust.main.main()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
