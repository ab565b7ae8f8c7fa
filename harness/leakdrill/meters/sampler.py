"""Reads every meter again and again, on a schedule that does not drift, and writes what it reads into the record."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import psutil

from leakdrill.in_words import in_words
from leakdrill.meters.meter import Alone, Closable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leakdrill.meters.meter import Meter
    from leakdrill.record.recorder import Recorder

_NOTHING = "nothing to read"


class Sampler:
    """Samples `meters` from `start` to `stop`, and closes them then.

    Meters of one rhythm share a thread, but for those that may hang: a service that does, a driver, or a slow walk must
    not hold up the memory readings.

    Args:
        meters: what to read; each on every `every`-th tick.
        recorder: gets one sample per reading, and one with value None and the label `error` when a meter stops
            giving readings, so that the gap shows.
        rate_hz: ticks a second.
        requests: how many requests the target has completed; goes into each reading as `requests` when known.
    """

    def __init__(
        self,
        meters: Sequence[Meter],
        recorder: Recorder,
        *,
        rate_hz: float = 10.0,
        requests: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._meters = list(meters)
        self._recorder = recorder
        self._requests = requests
        self._rate_hz = rate_hz
        self._running = threading.Lock()
        """Held until `stop`: waiting for a lock costs half of what waiting for an Event does."""
        self._running.acquire()
        self._errors: dict[Meter, str | None] = {}
        self._threads = [
            threading.Thread(
                target=self._run,
                args=(group[0].every / rate_hz, group),
                name=f"sampler-{group[0].every}",
                daemon=True,
            )
            for group in _groups(meters)
        ]

    def start(self) -> None:
        """Begin to sample; each meter is read once at once."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Return when the last reading is in the record and the meters are closed; does nothing the second time."""
        if self._running.locked():
            self._running.release()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        while self._meters:
            meter = self._meters.pop()
            if isinstance(meter, Closable):
                meter.close()

    def _run(self, period_s: float, meters: Sequence[Meter]) -> None:
        due = time.monotonic()
        while True:
            for meter in meters:
                self._sample(meter)
            due = next_due(due, period_s, time.monotonic())
            if self._running.acquire(timeout=max(0.0, due - time.monotonic())):
                self._running.release()
                return

    def _sample(self, meter: Meter) -> None:
        error: str | None = None
        values: dict[str, float] | None = None
        requests: float | None = None
        try:
            values = meter.read()
            requests = self._requests()
        except (OSError, psutil.Error) as e:
            error = in_words(e)
        if values is None:
            self._note_gap(meter, error or _NOTHING)
            return
        self._errors[meter] = None
        if requests is not None:
            values["requests"] = requests
        self._recorder.record_reading(meter.event, values)

    def _note_gap(self, meter: Meter, error: str) -> None:
        if self._errors.get(meter) != error:
            self._errors[meter] = error
            self._recorder.record(meter.event(error=error))


def _groups(meters: Sequence[Meter]) -> list[list[Meter]]:
    """The meters that are read together, the fastest rhythm first."""
    groups: dict[tuple[int, int], list[Meter]] = {}
    for place, meter in enumerate(meters, start=1):
        groups.setdefault((meter.every, place if isinstance(meter, Alone) else 0), []).append(meter)
    return [groups[key] for key in sorted(groups)]


def next_due(due: float, period_s: float, now: float) -> float:
    """The next moment of the schedule after `now`; moments that were missed are left out, never made up for."""
    missed = max(int((now - due) / period_s), 0)
    return due + (missed + 1) * period_s
