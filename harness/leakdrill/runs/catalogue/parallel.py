"""Runs many drills, each in a process of its own, and leaves nothing behind, whatever happens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from leakdrill.machine.signals import StopRequest
from leakdrill.runs.catalogue.drill_process import DrillProcess
from leakdrill.runs.catalogue.schedule import in_order, may_start
from leakdrill.runs.session import Session
from leakdrill.wait import TimedOut, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from leakdrill.runs.catalogue.drill_result import DrillResult
    from leakdrill.runs.catalogue.schedule import PlannedDrill
    from leakdrill.runs.session import Notify

_EVERY_S: Final = 0.1
_UNDO_TIMEOUT_S: Final = 60.0
"""Seconds that a drill may take to end when it is asked to, before its journal is undone from here."""

_OVERDUE_S: Final = 120.0
"""A drill that takes so much longer than its plan allows hangs."""


class DrillsInParallel:
    """Drills that run side by side.

    Args:
        drills: what is run; in which order is decided here.
        runs: where the records go.
        jobs: how many run at once.
        report: is called with each drill when it begins (result None) and when it has ended.
        notify: gets a sentence for a person about each thing that could not be undone.
    """

    def __init__(
        self,
        drills: Sequence[PlannedDrill],
        *,
        runs: Path,
        jobs: int,
        report: Callable[[PlannedDrill, DrillResult | None], None],
        notify: Notify,
    ) -> None:
        self._waiting = in_order(drills)
        self._runs, self._jobs, self._report, self._notify = runs, jobs, report, notify
        self._running: list[DrillProcess] = []
        self.results: list[DrillResult] = []

    def run(self) -> bool:
        """Run all of them; False when a signal ended it before. `results` holds what came of each.

        Whatever happens, every drill that was started has ended, and has undone what it did, when this returns.
        """
        stop = StopRequest()
        with Session(self._runs, notify=self._notify, signals=stop):
            try:
                self._play(stop)
            finally:
                self._end(self._running)
            self._collect()
        return not stop

    def _play(self, stop: StopRequest) -> None:
        while (self._waiting or self._running) and not stop:
            self._start_some()
            time.sleep(_EVERY_S)
            self._collect()

    def _start_some(self) -> None:
        while self._waiting and may_start(self._waiting[0], [r.drill for r in self._running], jobs=self._jobs):
            drill = self._waiting.pop(0)
            self._running.append(DrillProcess(drill, self._runs))
            self._report(drill, None)

    def _collect(self) -> None:
        for process in list(self._running):
            if not process.ended() and process.age_s > process.drill.budget_s + _OVERDUE_S:
                self._end([process])
            if process.ended():
                self._running.remove(process)
                self.results.append(process.result())
                self._report(process.drill, self.results[-1])

    def _end(self, processes: Sequence[DrillProcess]) -> None:
        """Ask each to undo and end, wait for all, and kill what does not: its journal is undone afterwards."""
        for process in processes:
            process.interrupt()
        try:
            wait_for(
                lambda: all(process.ended() for process in processes),
                what="the end of the drills",
                timeout_s=_UNDO_TIMEOUT_S,
            )
        except TimedOut:
            for process in processes:
                process.kill()
