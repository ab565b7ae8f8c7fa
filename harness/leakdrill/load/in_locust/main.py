"""Run by `start.py ARGS`: Locust itself, with our listener beside the user's own locustfile.

Started by `LocustLoad`, which passes the settings in the environment. Locust changes the interpreter as it is imported
(gevent replaces sockets and threads), so this never runs inside the harness. The locustfile is not touched: we register
on Locust's events before it is loaded.
"""

from __future__ import annotations

import locust  # isort: skip - gevent patches the standard library, and must do so before anything else is imported

import contextlib
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gevent
import locust.main
from locust.runners import MasterRunner, WorkerRunner
from locust.stats import StatsError

from leakdrill.load.in_locust import hooks
from leakdrill.load.in_locust.bounded_log import bound_log
from leakdrill.load.in_locust.bounded_stats import bound_stats, forget_old_seconds, is_bounded
from leakdrill.load.in_locust.counters import MASTER, Counters
from leakdrill.load.in_locust.ending import Ending
from leakdrill.load.in_locust.lifeline import end_with_harness
from leakdrill.load.in_locust.pacing import paced
from leakdrill.load.in_locust.pause_gate import PauseGate
from leakdrill.load.in_locust.redirects import stay_with_target
from leakdrill.load.in_locust.request_recorder import RequestRecorder
from leakdrill.load.in_locust.sent_once import send_once
from leakdrill.load.in_locust.task_reports import TaskReports
from leakdrill.load.in_locust.user_monitor import UserMonitor
from leakdrill.load.in_locust.variables import (
    ADDRESSES_ENV,
    CONTROL_ENV,
    COUNTS_ENV,
    LIFELINE_ENV,
    PERIOD_ENV,
    RECORD_ENV,
    STATUS_ENV,
)
from leakdrill.load.in_locust.worker_collector import WorkerCollector

if TYPE_CHECKING:
    from locust.env import Environment

_TOP_ERRORS: Final = 5
_ERROR_CHARS: Final = 300
_TOP_NAMES: Final = 12
_NAME_CHARS: Final = 80
_MOST_LINE_BYTES: Final = 4096
"""What a pipe takes in one piece (PIPE_BUF), whether there is room for more or not."""


class Listener:
    """Counts requests in every Locust process; in the leading one, reports its state once a second.

    Args:
        folder: where the counts go.
        status_fd: the pipe to the harness.
        lifeline_fd: the pipe from it, whose end says that it is gone.
        period_s: seconds between two tasks of a user; None leaves the locustfile's own wait times.
        control_fd: the socket on which orders to pause come; None when there is more than one process.
        record: the file that gets the recorded requests; None records none.
        addresses_fd: the socket on which the target's addresses come; None without remote workers.
    """

    def __init__(
        self,
        folder: Path,
        status_fd: int,
        lifeline_fd: int,
        *,
        period_s: float | None,
        control_fd: int | None,
        record: Path | None,
        addresses_fd: int | None,
    ) -> None:
        self._folder = folder
        self._fd = status_fd
        os.set_blocking(status_fd, False)  # a harness that was stopped reads nothing, and must not stop the users
        self._lifeline_fd = lifeline_fd
        self._period_s = period_s
        self._counters = Counters()
        self._monitor = UserMonitor(self._counters)
        self._tasks = TaskReports(self._monitor)
        self._control = None if control_fd is None else socket.socket(fileno=control_fd)
        self._pause_gate = None if self._control is None else PauseGate(self._report_drained)
        self._recorder = None if record is None else RequestRecorder(record)
        self._collector = None if addresses_fd is None else WorkerCollector(folder, socket.socket(fileno=addresses_fd))
        self._environment: Environment | None = None
        self._workers_at_stop: int | None = None
        self._ending = Ending()

    def register(self) -> None:
        """Listen first, before the locustfile is loaded: its own listeners may end a user by raising."""
        end_with_harness(self._lifeline_fd)
        bound_stats()
        bound_log(locust.events)
        locust.events.request.add_listener(self._counters.on_request)  # type: ignore[no-untyped-call]
        stay_with_target()
        send_once()
        self._monitor.install()
        self._tasks.register()
        if self._recorder is not None:
            self._recorder.install()
            locust.events.request.add_listener(self._recorder.on_request)  # type: ignore[no-untyped-call]
        if self._pause_gate is not None:
            hooks.install(self._pause_gate)
            locust.events.request.add_listener(self._pause_gate.on_request)  # type: ignore[no-untyped-call]
        locust.events.init.add_listener(self._on_init)  # type: ignore[no-untyped-call]
        locust.events.test_stopping.add_listener(self._on_stopping)  # type: ignore[no-untyped-call]
        locust.events.quit.add_listener(self._on_quit)  # type: ignore[no-untyped-call]
        self._send({"state": "loading"})

    def _on_init(self, environment: Environment, runner: Any, **_others: Any) -> None:
        if self._period_s is not None:
            wait_time = paced(self._period_s, self._pause_gate.clock if self._pause_gate else time.monotonic)
            for user in environment.user_classes:
                user.wait_time = wait_time
        if self._recorder is not None and (reason := self._recorder.check_users(environment.user_classes)):
            self._send({"state": "loading", "unrecordable": reason})
        if self._pause_gate is not None:
            gevent.spawn(hooks.listen, self._pause_gate, self._control)
        self._monitor.target_is([environment.host or ""])
        self._counters.open(self._folder, MASTER if isinstance(runner, MasterRunner) else "")
        if self._collector is not None:
            self._collector.attach(environment)
        if isinstance(runner, WorkerRunner):
            end_with_harness(self._lifeline_fd)  # it was forked, and a thread is not
        else:
            self._environment = environment
            if environment.shape_class is not None:
                self._send({"state": "loading", "shape": type(environment.shape_class).__name__})
            self._ending.watch(runner, environment.shape_class)
            gevent.spawn(self._report)

    def _on_stopping(self, environment: Environment, **_others: Any) -> None:
        """Remember the number of workers: from now on they leave because they were asked to."""
        if isinstance(environment.runner, MasterRunner):
            self._workers_at_stop = environment.runner.worker_count

    def _on_quit(self, **_others: Any) -> None:
        if self._environment is not None:
            self._send(self._status("quit"))

    def _report(self) -> None:
        while self._send(self._status("running")):
            gevent.sleep(1)
            if self._environment is not None:
                forget_old_seconds(self._environment.stats)
        # Nobody reads the pipe any more: the harness is gone, and load that nobody watches must not go on.
        if self._environment is not None and self._environment.runner is not None:
            self._environment.runner.quit()

    def _status(self, state: str) -> dict[str, Any]:
        runner = self._environment.runner if self._environment is not None else None
        if runner is None:
            return {"state": state}
        workers = runner.worker_count if isinstance(runner, MasterRunner) else 1
        if self._workers_at_stop is not None:
            workers = self._workers_at_stop
        shape = self._environment is not None and self._environment.shape_class is not None
        status = {
            "state": state,
            "users": runner.user_count,
            "workers": workers,
            "errors": _errors(runner),
            "wanted_users": runner.target_user_count if shape else None,
            "oldest_s": self._tasks.oldest_s(),
            "idle": self._tasks.idle(runner.environment),
            "names_bounded": is_bounded(runner.stats),
            "ended_by": self._ending.reason,
        }
        return status if self._pause_gate is None else {**status, "busy": self._pause_gate.busy}

    def _report_drained(self, order: int, seconds: float) -> None:
        if self._control is not None:
            with contextlib.suppress(BrokenPipeError):  # the harness is gone; `_report` ends the load
                self._control.sendall(f"{order} {seconds:.6f} {json.dumps(self._requests_by_name())}\n".encode())

    def _requests_by_name(self) -> dict[str, int]:
        """Returns the requests so far under the names that the locustfile gives them, the most frequent first."""
        runner = self._environment.runner if self._environment is not None else None
        if runner is None:
            return {}
        entries = sorted(runner.stats.entries.values(), key=lambda entry: -int(entry.num_requests))[:_TOP_NAMES]
        return {f"{entry.method} {entry.name}"[:_NAME_CHARS]: int(entry.num_requests) for entry in entries}

    def _send(self, status: dict[str, Any]) -> bool:
        try:
            os.write(self._fd, _line(status))
        except BlockingIOError:
            return True  # the next one says it again
        except BrokenPipeError:
            return False
        return True


def _line(status: dict[str, Any]) -> bytes:
    """Returns a status as a line, with as many of its errors as fit."""
    line = json.dumps(status).encode() + b"\n"
    errors = status.get("errors") or []
    return line if len(line) <= _MOST_LINE_BYTES or not errors else _line({**status, "errors": errors[:-1]})


def _errors(runner: Any) -> list[dict[str, Any]]:
    """Returns the most frequent failures of requests, and exceptions of tasks that made none."""
    failed = [
        {"method": e.method, "name": e.name, "error": StatsError.parse_error(e.error), "count": e.occurrences}
        for e in runner.stats.errors.values()
    ]
    raised = [
        {"method": "task", "name": "exception", "error": e["msg"], "count": e["count"]}
        for e in runner.exceptions.values()
    ]
    worst = sorted(failed + raised, key=lambda e: -int(e["count"]))[:_TOP_ERRORS]
    return [{**e, "error": str(e["error"])[:_ERROR_CHARS]} for e in worst]


def main() -> None:
    """Register the listener, then be Locust."""
    names = (COUNTS_ENV, STATUS_ENV, LIFELINE_ENV, PERIOD_ENV, CONTROL_ENV, RECORD_ENV, ADDRESSES_ENV)
    settings = {name: os.environ.pop(name, "") for name in names}
    Listener(
        Path(settings[COUNTS_ENV]),
        int(settings[STATUS_ENV]),
        int(settings[LIFELINE_ENV]),
        period_s=float(settings[PERIOD_ENV]) if settings[PERIOD_ENV] else None,
        control_fd=int(settings[CONTROL_ENV]) if settings[CONTROL_ENV] else None,
        record=Path(settings[RECORD_ENV]) if settings[RECORD_ENV] else None,
        addresses_fd=int(settings[ADDRESSES_ENV]) if settings[ADDRESSES_ENV] else None,
    ).register()
    sys.argv[0] = "locust"
    locust.main.main()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
