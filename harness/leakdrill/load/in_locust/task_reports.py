"""What the leading Locust learns of the tasks of all its processes: which parts ran, and who has been busy longest."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import locust

from leakdrill.load.in_locust.idle_tasks import idle_parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from locust.env import Environment

    from leakdrill.load.in_locust.user_monitor import UserMonitor

TASKS: Final = "leakdrill_tasks"
"""The key under which a worker's report, every three seconds, carries what its user monitor knows."""


class TaskReports:
    """Adds this process' part to its reports, and keeps the last part of each worker that reports to it."""

    def __init__(self, monitor: UserMonitor) -> None:
        self._monitor = monitor
        self._reported: dict[str, Mapping[str, Any]] = {}

    def register(self) -> None:
        """Listen to Locust's reports between workers and master."""
        locust.events.report_to_master.add_listener(self._on_report_to_master)  # type: ignore[no-untyped-call]
        locust.events.worker_report.add_listener(self._on_worker_report)  # type: ignore[no-untyped-call]

    def oldest_s(self) -> float:
        """Returns for how long the slowest user of all processes has been in its task without an answer."""
        return max([self._monitor.oldest_s(), *(float(part["oldest_s"]) for part in self._reported.values())])

    def idle(self, environment: Environment) -> list[str]:
        """Returns the user classes and tasks that never ran, though they should have."""
        options: Any = environment.parsed_options
        chosen = any(getattr(options, name, None) for name in ("user_classes", "tags", "exclude_tags"))
        ran = Counter(self._monitor.ran)
        for part in self._reported.values():
            ran.update(part["ran"])
        return idle_parts(ran, environment.user_classes, chosen=chosen) if ran else []

    def _on_report_to_master(self, data: dict[str, Any], **_others: Any) -> None:
        data[TASKS] = {"ran": self._monitor.ran, "oldest_s": self._monitor.oldest_s()}

    def _on_worker_report(self, client_id: str, data: dict[str, Any], **_others: Any) -> None:
        if TASKS in data:
            self._reported[client_id] = data[TASKS]
