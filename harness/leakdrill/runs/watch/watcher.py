"""Reads the command's memory ten times a second into the record, and says when it nears the limit.

RSS is read on each tick. PSS is dear (the kernel walks every mapping), so it gets a fiftieth of one core; when RSS
makes a new high, or could have crossed a threshold, it gets up to a fifth, because there the peak is decided.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from leakdrill.judging.watch.plan import WARN_AT
from leakdrill.meters.sampler import next_due
from leakdrill.record.events import ProcessPss, ProcessTree, WatchThreshold
from leakdrill.runs.watch.census import Census, resident_bytes
from leakdrill.units import show_duration, show_share, show_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.judging.watch.plan import WatchPlan
    from leakdrill.record.recorder import Recorder
    from leakdrill.runs.watch.processes import CommandProcesses

PERIOD_S: Final = 0.1
_USUAL_COSTS: Final = 50
_EAGER_COSTS: Final = 5
_LONGEST_WAIT_S: Final = 5.0
_NEW_HIGH: Final = 1.02


class Thresholds:
    """The shares of `limit_bytes` that were crossed; each is reported once."""

    def __init__(self, limit_bytes: int | None) -> None:
        self._limit = limit_bytes
        self._left = [*WARN_AT, 1.0] if limit_bytes else []

    @property
    def next_bytes(self) -> float:
        """The lowest threshold that was not crossed yet; infinite when there is none."""
        return self._left[0] * self._limit if self._left and self._limit else float("inf")

    def crossed(self, used_bytes: float) -> list[float]:
        """The shares that `used_bytes` crosses for the first time, lowest first; 1 only when it is over the limit."""
        if not self._limit:
            return []
        share = used_bytes / self._limit
        new = [at for at in self._left if share >= at and (share > 1 or at < 1)]
        self._left = [at for at in self._left if at not in new]
        return new


class Watcher:
    """Watches `processes` from `start` to `stop`; `notify` gets a sentence for each threshold crossed."""

    def __init__(
        self, processes: CommandProcesses, plan: WatchPlan, recorder: Recorder, notify: Callable[[str], None]
    ) -> None:
        self._processes = processes
        self._recorder = recorder
        self._notify = notify
        self._limit = plan.limit_bytes
        self._census = Census(recorder, plan.phases)
        self._thresholds = Thresholds(plan.limit_bytes)
        self._began = time.monotonic()
        self._high_bytes = 0
        self._read_at_s = float("-inf")
        self._cost_s = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Read once at once, because some commands are short, and go on in a thread."""
        self._tick()
        self._thread.start()

    def stop(self) -> None:
        """Return when the last reading is in the record."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        due = time.monotonic()
        while True:
            due = next_due(due, PERIOD_S, time.monotonic())
            if self._stopping.wait(due - time.monotonic()):
                return
            self._tick()

    def _tick(self) -> None:
        statm = self._census.resident(self._processes.pids())
        if not statm:
            return
        rss_bytes = sum(map(resident_bytes, statm.values()))
        self._recorder.record(ProcessTree(rss_bytes=rss_bytes, processes=len(statm)))
        if self._wants_more(rss_bytes):
            self._high_bytes = max(self._high_bytes, rss_bytes)
            began = time.thread_time()
            self._divide(statm)
            self._cost_s, self._read_at_s = time.thread_time() - began, time.monotonic()

    def _wants_more(self, rss_bytes: int) -> bool:
        eager = rss_bytes > self._high_bytes * _NEW_HIGH or rss_bytes >= self._thresholds.next_bytes
        wait_s = min((_EAGER_COSTS if eager else _USUAL_COSTS) * self._cost_s, _LONGEST_WAIT_S)
        return time.monotonic() - self._read_at_s >= wait_s

    def _divide(self, statm: dict[int, bytes]) -> None:
        held = self._census.proportional(statm)
        if not held:
            return
        total = sum(held.values())
        self._recorder.record(ProcessPss(total, others={f"pid_{pid}_bytes": count for pid, count in held.items()}))
        for share in self._thresholds.crossed(total):
            self._warn(share, total, max(held, key=held.__getitem__), held)

    def _warn(self, share: float, total: float, heaviest: int, held: dict[int, float]) -> None:
        who, after = self._census.named(heaviest), show_duration(time.monotonic() - self._began)
        self._recorder.record(WatchThreshold(share, total, heaviest=who))
        over = "over the limit" if share >= 1 else f"over {show_share(share)} of the limit"
        self._notify(
            f"{over} {show_size(self._limit or 0)}: {show_size(total)} after {after}; "
            f"heaviest: {who} with {show_size(held[heaviest])}"
        )
