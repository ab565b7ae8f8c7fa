"""`python -m harness.load.locust_main ARGS`: Locust itself, with our listener beside the user's own locustfile.

Started by `LocustLoad`, which passes what it needs in the environment. Locust changes the interpreter as it is imported
(gevent replaces sockets and threads), so this never runs inside the harness. The locustfile is not touched: we register
on Locust's events before it is loaded.
"""

from __future__ import annotations

import locust  # isort: skip - gevent patches the standard library, and must do so before anything else is imported

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gevent
import locust.main
from locust.runners import MasterRunner, WorkerRunner
from locust.stats import StatsError

from harness.load.command import COUNTS_ENV, PERIOD_ENV, STATUS_ENV
from harness.load.counts import Counts
from harness.load.pace import paced

if TYPE_CHECKING:
    from locust.env import Environment

_TOP_ERRORS: Final = 5
_ERROR_CHARS: Final = 300


class Listener:
    """Counts in every process; says how it stands once a second in the one that leads.

    Args:
        folder: where the counts go.
        status_fd: the pipe to the harness.
        period_s: seconds between two tasks of a user; None leaves the locustfile's own wait times.
    """

    def __init__(self, folder: Path, status_fd: int, period_s: float | None) -> None:
        self._folder = folder
        self._fd = status_fd
        self._period_s = period_s
        self._counts = Counts()
        self._environment: Environment | None = None

    def register(self) -> None:
        """Listen first, before the locustfile is loaded: its own listeners may end a user by raising."""
        locust.events.request.add_listener(self._counts.on_request)  # type: ignore[no-untyped-call]
        locust.events.init.add_listener(self._on_init)  # type: ignore[no-untyped-call]
        locust.events.quit.add_listener(self._on_quit)  # type: ignore[no-untyped-call]
        self._write({"state": "loading"})

    def _on_init(self, environment: Environment, runner: Any, **_others: Any) -> None:
        if self._period_s is not None:
            wait_time = paced(self._period_s)
            for user in environment.user_classes:
                user.wait_time = wait_time
        if not isinstance(runner, MasterRunner):
            self._counts.open(self._folder)
        if not isinstance(runner, WorkerRunner):
            self._environment = environment
            gevent.spawn(self._report)

    def _on_quit(self, **_others: Any) -> None:
        if self._environment is not None:
            self._write(self._status("quit"))

    def _report(self) -> None:
        while self._write(self._status("running")):
            gevent.sleep(1)
        # Nobody reads the pipe any more: the harness is gone, and load that nobody watches must not go on.
        if self._environment is not None and self._environment.runner is not None:
            self._environment.runner.quit()

    def _status(self, state: str) -> dict[str, Any]:
        runner = self._environment.runner if self._environment is not None else None
        if runner is None:
            return {"state": state}
        workers = runner.worker_count if isinstance(runner, MasterRunner) else 1
        return {"state": state, "users": runner.user_count, "workers": workers, "errors": _errors(runner)}

    def _write(self, status: dict[str, Any]) -> bool:
        try:
            os.write(self._fd, json.dumps(status).encode() + b"\n")
        except BrokenPipeError:
            return False
        return True


def _errors(runner: Any) -> list[dict[str, Any]]:
    """The most frequent failures of requests, and exceptions of tasks that made none."""
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
    folder = Path(os.environ.pop(COUNTS_ENV))
    period = os.environ.pop(PERIOD_ENV, "")
    listener = Listener(folder, int(os.environ.pop(STATUS_ENV)), float(period) if period else None)
    listener.register()
    sys.argv[0] = "locust"
    locust.main.main()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
