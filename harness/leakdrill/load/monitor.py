"""The Locust monitor: follows a running Locust by the counters in its files and the state it reports through a pipe."""

from __future__ import annotations

import contextlib
import csv
import os
import select
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import orjson

from leakdrill.load.counter_reader import NOTHING, CounterReader, row
from leakdrill.record.events import (
    LoadErrors,
    LoadExited,
    LoadIdle,
    LoadNamesBounded,
    LoadRequests,
    LoadWorkerRequests,
    WorkerLost,
)
from leakdrill.remember import remember

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from leakdrill.load.locust_process import LocustProcess
    from leakdrill.record.recorder import Recorder

COLUMNS: Final = (
    *("t", "requests", "failures", "rps", "fail_per_s", "p50_ms", "p95_ms", "p99_ms", "users", "workers"),
)
_POLL_S: Final = 0.1
_MOST_ERRORS: Final = 1000
"""Different errors whose counts are remembered; an error whose text has an id in it never comes again."""


class LocustMonitor:
    """Records one Locust process, second by second, on a thread of its own.

    It records `LoadRequests` every second; `LoadErrors` for each of the most frequent errors, when its count changes;
    `WorkerLost` with the number missing; `LoadExited` when Locust ends though nobody stopped it; and at the end
    `LoadIdle` for what never ran, and `LoadWorkerRequests` for each of several workers.

    Args:
        process: the Locust that leads.
        counters: what its processes count.
        recorder: where the samples go.
        table: the CSV file.
        wanted_workers: how many Locust processes there should be.
        labels: `build` and `corpus` of a gate run, on what it records.
    """

    def __init__(
        self,
        process: LocustProcess,
        *,
        counters: CounterReader,
        recorder: Recorder,
        table: Path,
        wanted_workers: int,
        labels: Mapping[str, str],
    ) -> None:
        self.status: dict[str, Any] = {}
        self.stopping = False
        self._process = process
        self._counters = counters
        self._recorder = recorder
        self._table = table
        self._wanted = wanted_workers
        self._labels = labels
        self._idle: list[str] = []
        self._most_workers = 0
        self._recorded_errors: dict[tuple[str, str, str], int] = {}
        self._rest = b""
        self._before = NOTHING
        self._fd = self._far_fd = -1
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def open(self) -> int:
        """Returns the descriptor of the pipe that Locust is to inherit and report its state on."""
        self._fd, self._far_fd = os.pipe()
        return self._far_fd

    def hand_over(self) -> None:
        """Leave the far end of the pipe to Locust, whether it has been started or could not be."""
        os.close(self._far_fd)

    def start(self) -> None:
        """Begin to follow Locust."""
        self._thread.start()

    def join(self, timeout_s: float | None = None) -> None:
        """Wait until Locust has ended and everything about it is recorded."""
        self._thread.join(timeout_s)

    @property
    def running(self) -> bool:
        """Whether Locust has loaded the locustfile and is about to spawn users, or has."""
        return self.status.get("state") in ("running", "quit")

    @property
    def workers(self) -> int:
        """The Locust processes that make requests now, as Locust reports them."""
        return int(self.status.get("workers", 0))

    @property
    def lost_workers(self) -> int:
        """The Locust processes that have gone while nobody stopped them."""
        return 0 if self.stopping else max(0, self._most_workers - self.workers)

    def worst_error(self) -> str:
        """Returns the most frequent error, for a message."""
        errors = self.status.get("errors") or []
        if not errors:
            return "Locust reported no error"
        first = errors[0]
        return f"most frequent error: {first['method']} {first['name']}: {first['error']} ({first['count']} times)"

    def _run(self) -> None:
        with self._table.open("w", newline="", encoding="ascii") as file, contextlib.closing(os.fdopen(self._fd)):
            writer = csv.DictWriter(file, COLUMNS, restval="")
            writer.writeheader()
            last = time.monotonic()
            while self._process.running:
                self._read_pipe(_POLL_S)
                now = time.monotonic()
                if not self.running:
                    last = now
                elif now - last >= 1:
                    self._record_second(writer, now - last)
                    file.flush()
                    last = now
            self._finish(writer, time.monotonic() - last)

    def _finish(self, writer: csv.DictWriter[str], seconds: float) -> None:
        self._read_pipe(0)
        if self.running:
            self._record_second(writer, max(seconds, 1e-3))
        self._record_end()
        if not self.stopping:
            self._recorder.record(
                LoadExited(exit_code=self._process.returncode, reason=self.status.get("ended_by", ""))
            )

    def _read_pipe(self, timeout_s: float) -> None:
        """Read what the pipe holds. Workers keep it open, so its end says nothing about Locust's."""
        if not select.select([self._fd], [], [], timeout_s)[0]:
            return
        received = os.read(self._fd, 1 << 16)
        if not received:
            time.sleep(timeout_s)
        *lines, self._rest = (self._rest + received).split(b"\n")
        for line in lines:
            self._update(orjson.loads(line))

    def _update(self, status: dict[str, Any]) -> None:
        lost_before = self.lost_workers
        self.status = {**self.status, **status}
        self._most_workers = max(self._most_workers, self.workers)
        if self.lost_workers > lost_before and status["state"] == "running":
            self._recorder.record(WorkerLost(lost=self.lost_workers, wanted=str(self._wanted)))
        for error in status.get("errors", ()):
            self._record_error(error)
        if not self.stopping:
            self._idle = status.get("idle", self._idle)

    def _record_error(self, error: dict[str, Any]) -> None:
        key = (error["method"], error["name"], error["error"])
        if len(self._recorded_errors) >= _MOST_ERRORS:
            self._recorded_errors.clear()
        if self._recorded_errors.get(key) != error["count"]:
            remember(self._recorded_errors, key, error["count"])
            method, name, text = key
            self._recorder.record(LoadErrors(count=float(error["count"]), error=text, method=method, request=name))

    def _record_second(self, writer: csv.DictWriter[str], seconds: float) -> None:
        now = self._counters.totals()
        figures = row(self._before, now, seconds)
        self._before = now
        figures |= {"users": float(self.status.get("users", 0)), "workers": float(self.workers)}
        states = {name: float(self.status[name]) for name in ("wanted_users", "oldest_s") if self.status.get(name)}
        event = self._recorder.record(LoadRequests.of({**figures, **now.besides, **states}, **self._labels))
        writer.writerow({"t": event.t, **figures})

    def _record_end(self) -> None:
        """Record what can be told only at the end of the load."""
        for part in self._idle:
            self._recorder.record(
                LoadIdle(part, build=self._labels.get("build", ""), corpus=self._labels.get("corpus", ""))
            )
        if self.status.get("names_bounded"):
            self._recorder.record(LoadNamesBounded())
        if self._wanted > 1:
            for worker, totals in self._counters.by_worker().items():
                self._recorder.record(
                    LoadWorkerRequests(
                        requests=float(totals.requests),
                        failures=float(totals.failures),
                        exceptions=totals.besides["exceptions"],
                        users_started=totals.besides["users_started"],
                        users_ended=totals.besides["users_ended"],
                        worker=worker,
                    )
                )
