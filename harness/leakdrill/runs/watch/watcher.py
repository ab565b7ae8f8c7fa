"""Reads the command's memory into the record, and says when it nears the limit.

What the kernel counts for all of it (the memory source) is read fifty times a second, and oftener while page cache
comes quickly, because that cannot be told from memory between two readings; it is written ten times a second. RSS is
read ten times a second. PSS is dear (the kernel walks every mapping), so it gets a fiftieth of one core; when there is
a new high, or a threshold could have been crossed, it gets up to a fifth, because there the peak is decided.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from leakdrill.judging.watch.plan import WARN_AT
from leakdrill.record.events import ProcessPss, ProcessTree, WatchMemory, WatchThreshold
from leakdrill.runs.watch.census import Census, resident_bytes
from leakdrill.units import show_duration, show_share, show_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.judging.watch.plan import WatchPlan
    from leakdrill.record.recorder import Recorder
    from leakdrill.runs.watch.census import Held
    from leakdrill.runs.watch.memory_source import MemorySource
    from leakdrill.runs.watch.processes import CommandProcesses

PERIOD_S: Final = 0.1
_SHORT_PERIOD_S: Final = 0.02
_SHORTEST_PERIOD_S: Final = 0.002
_MUCH_CACHE_BYTES: Final = 4 << 20
_MOST_BUSY: Final = 0.05
"""The share of one core for looking up processes; their memory beyond that is read more seldom."""

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


@dataclass(slots=True)
class Peak:
    """The highest memory so far: at least `low_bytes`; at most `high_bytes`, where that is known."""

    low_bytes: float = 0.0
    high_bytes: float | None = 0.0

    def note(self, low: float, high: float | None) -> None:
        """Raise it where `low` and `high` are above."""
        self.low_bytes = max(self.low_bytes, low)
        self.high_bytes = None if high is None or self.high_bytes is None else max(self.high_bytes, high)


class Watcher:
    """Watches `processes` from `start` to `stop`; `notify` gets a sentence for each threshold crossed.

    Attributes:
        peak: of all memory, so far.
    """

    def __init__(
        self,
        processes: CommandProcesses,
        source: MemorySource,
        plan: WatchPlan,
        recorder: Recorder,
        notify: Callable[[str], None],
    ) -> None:
        self.peak = Peak()
        self._processes = processes
        self._source = source
        self._recorder = recorder
        self._notify = notify
        self._limit = plan.limit_bytes
        self._census = Census(recorder, plan.phases)
        self._thresholds = Thresholds(plan.limit_bytes)
        self._began = time.monotonic()
        self._since = Peak()
        self._newest: WatchMemory | None = None
        self._delay_s = _SHORT_PERIOD_S
        self._high_bytes = 0.0
        self._read_at_s = float("-inf")
        self._cost_s = 0.0
        self._tree_due_s = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Read once at once, because some commands are short, and go on in a thread."""
        self._tick()
        self._thread.start()

    def stop(self) -> WatchMemory | None:
        """Return the last reading of all memory when it is in the record."""
        self._stopping.set()
        self._thread.join()
        self._read_source()
        self._record_source()
        return self._newest

    def _run(self) -> None:
        while not self._stopping.wait(self._delay_s):
            self._tick()

    def _tick(self) -> None:
        self._read_source()
        if time.monotonic() < self._tree_due_s:
            return
        began, began_cpu = time.monotonic(), time.thread_time()
        self._record_source()
        self._read_processes()
        period = PERIOD_S if self._newest else _SHORT_PERIOD_S
        self._tree_due_s = began + max(period, (time.thread_time() - began_cpu) / _MOST_BUSY)

    def _read_source(self) -> None:
        reading = self._source.read()
        if reading is None:
            return
        before, self._newest = self._newest, reading
        self._since.note(reading.low_bytes or 0.0, reading.high_bytes)
        self.peak.note(reading.low_bytes or 0.0, reading.high_bytes)
        more_cache = abs((reading.cache_bytes or 0.0) - ((before.cache_bytes if before else 0.0) or 0.0))
        self._delay_s = _SHORTEST_PERIOD_S if more_cache > _MUCH_CACHE_BYTES else _SHORT_PERIOD_S

    def _record_source(self) -> None:
        if self._newest:
            since, self._since = self._since, Peak()
            self._recorder.record(replace(self._newest, low_bytes=since.low_bytes, high_bytes=since.high_bytes))

    def _read_processes(self) -> None:
        statm = self._census.resident(self._processes.pids())
        if not statm:
            return
        rss_bytes = sum(map(resident_bytes, statm.values()))
        self._recorder.record(ProcessTree(rss_bytes=rss_bytes, processes=len(statm)))
        most = max(rss_bytes, (self._newest.memory_bytes if self._newest else 0.0) or 0.0)
        if self._wants_more(most):
            self._high_bytes = max(self._high_bytes, most)
            began = time.thread_time()
            self._divide(statm)
            self._cost_s, self._read_at_s = time.thread_time() - began, time.monotonic()

    def _wants_more(self, most_bytes: float) -> bool:
        eager = most_bytes > self._high_bytes * _NEW_HIGH or most_bytes >= self._thresholds.next_bytes
        wait_s = min((_EAGER_COSTS if eager else _USUAL_COSTS) * self._cost_s, _LONGEST_WAIT_S)
        return time.monotonic() - self._read_at_s >= wait_s

    def _divide(self, statm: dict[int, bytes]) -> None:
        held = self._census.held(statm)
        if not held:
            return
        processes = sum(one.memory_bytes for one in held.values()) + max(one.huge_bytes for one in held.values())
        files = self._source.files_bytes(held)
        charged = (self._newest.memory_bytes if self._newest else None) or 0.0
        total = max(processes + files, charged)
        if self._newest is None:
            self.peak.note(total, total + self._source.unsure_bytes(held))
        by_pid = {f"pid_{pid}_bytes": one.memory_bytes for pid, one in held.items()}
        self._recorder.record(ProcessPss(processes, files, max(total - processes - files, 0.0), others=by_pid))
        for share in self._thresholds.crossed(total):
            self._warn(share, total, held)

    def _warn(self, share: float, total: float, held: dict[int, Held]) -> None:
        heaviest = max(held, key=lambda pid: held[pid].memory_bytes)
        who, after = self._census.named(heaviest), show_duration(time.monotonic() - self._began)
        self._recorder.record(WatchThreshold(share, total, heaviest=who))
        over = "over the limit" if share >= 1 else f"over {show_share(share)} of the limit"
        self._notify(
            f"{over} {show_size(self._limit or 0)}: {show_size(total)} after {after}; "
            f"heaviest: {who} with {show_size(held[heaviest].memory_bytes)}"
        )
