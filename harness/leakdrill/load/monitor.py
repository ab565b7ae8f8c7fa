"""Follows a running Locust: the counts in its files, and what it says of itself through a pipe."""

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

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from leakdrill.record.recorder import Recorder

COLUMNS: Final = (
    *("t", "requests", "failures", "rps", "fail_per_s", "p50_ms", "p95_ms", "p99_ms", "users", "workers"),
)
_POLL_S: Final = 0.1


class LocustMonitor:
    """Records one Locust process, second by second, on a thread of its own.

    Args:
        process: the Locust that leads.
        status_fd: the end of the pipe to read from; closed when the watch ends.
        tally: what its processes count.
        recorder: where the samples go.
        table: the CSV file.
        wanted_workers: how many Locust processes there should be.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        status_fd: int,
        *,
        tally: CounterReader,
        recorder: Recorder,
        table: Path,
        wanted_workers: int,
    ) -> None:
        self.status: dict[str, Any] = {}
        self.stopping = False
        self._process = process
        self._fd = status_fd
        self._tally = tally
        self._recorder = recorder
        self._table = table
        self._wanted = wanted_workers
        self._most_workers = 0
        self._seen_errors: dict[tuple[str, str, str], int] = {}
        self._rest = b""
        self._before = NOTHING
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def join(self, timeout_s: float | None = None) -> None:
        """Wait until Locust has ended and everything about it is recorded."""
        self._thread.join(timeout_s)

    @property
    def running(self) -> bool:
        """Whether Locust has loaded the locustfile and is about to spawn users, or has."""
        return self.status.get("state") in ("running", "quit")

    @property
    def lost_workers(self) -> int:
        """Locust processes that were there and are gone, while nobody stopped them."""
        return 0 if self.stopping else max(0, self._most_workers - int(self.status.get("workers", 0)))

    def worst_error(self) -> str:
        """The most frequent error, for a message."""
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
            while self._process.poll() is None:
                self._listen(_POLL_S)
                now = time.monotonic()
                if not self.running:
                    last = now
                elif now - last >= 1:
                    self._second(writer, now - last)
                    file.flush()
                    last = now
            self._finish(writer, time.monotonic() - last)

    def _finish(self, writer: csv.DictWriter[str], seconds: float) -> None:
        self._listen(0)
        if self.running:
            self._second(writer, max(seconds, 1e-3))
        if not self.stopping:
            self._recorder.sample("load", "exited", self._process.returncode)

    def _listen(self, timeout_s: float) -> None:
        """Take what the pipe holds. Workers keep it open, so its end says nothing about Locust's."""
        if not select.select([self._fd], [], [], timeout_s)[0]:
            return
        received = os.read(self._fd, 1 << 16)
        if not received:
            time.sleep(timeout_s)
        *lines, self._rest = (self._rest + received).split(b"\n")
        for line in lines:
            self._take(orjson.loads(line))

    def _take(self, status: dict[str, Any]) -> None:
        lost_before = self.lost_workers
        self.status = {**self.status, **status}
        self._most_workers = max(self._most_workers, int(self.status.get("workers", 0)))
        if self.lost_workers > lost_before and status["state"] == "running":
            self._recorder.sample("load", "worker_lost", self.lost_workers, wanted=str(self._wanted))
        for error in status.get("errors", ()):
            self._note_error(error)

    def _note_error(self, error: dict[str, Any]) -> None:
        key = (error["method"], error["name"], error["error"])
        if self._seen_errors.get(key) != error["count"]:
            self._seen_errors[key] = error["count"]
            method, name, text = key
            self._recorder.sample("load", "errors", float(error["count"]), error=text, method=method, name=name)

    def _second(self, writer: csv.DictWriter[str], seconds: float) -> None:
        now = self._tally.totals()
        figures = row(self._before, now, seconds)
        self._before = now
        figures |= {"users": float(self.status.get("users", 0)), "workers": float(self.status.get("workers", 0))}
        event = self._recorder.sample("load", "requests", figures)
        writer.writerow({"t": event.t, **figures})
