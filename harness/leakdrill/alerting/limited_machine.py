"""A container with a CPU limit as a machine as fast as that: CPU time by mode, and load.

Half a core in use of a limit of one is a machine that is half busy. Its CPUs are as many as the limit, rounded up, each
with the same share; what the service does not use is idle, or waited for a disk or stolen where that was so of the
machine. Load is the mean number of the service's runnable threads, averaged as the kernel does it over 1, 5 and 15
minutes of production's time. Counts begin with the drill, so that a service that is restarted does not run backwards.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from leakdrill.alerting.clock import SYSTEM_CLOCK
from leakdrill.alerting.labelled import named
from leakdrill.alerting.machine_series import cpu_time
from leakdrill.record.events import CgroupDetails, MachineFigures, ProcessDetails

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.core import Metric

    from leakdrill.alerting.clock import Clock
    from leakdrill.record.event_class import Reading
    from leakdrill.record.history import Event

_LOADS: Final = {"node_load1": 60.0, "node_load5": 300.0, "node_load15": 900.0}


class LimitedMachine:
    """Adds up what is read of the service.

    Args:
        cpus: the limit, in cores.
        time_scale: how much faster than production the drill runs.
        clock: by which readings grow old.
    """

    def __init__(self, cpus: float, *, time_scale: float = 1.0, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self.cpus = cpus
        self._time_scale = time_scale
        self._seconds = dict.fromkeys(("user", "system", "idle", "iowait", "steal"), 0.0)
        self._used: tuple[float, float, float] | None = None
        self._machine: tuple[float, MachineFigures] | None = None
        self._others = {"iowait": 0.0, "steal": 0.0}
        self._loads: dict[str, float] = {}
        self._noted_at: float | None = None
        self._load_at: float | None = None
        self._has_group = False

    def note(self, event: Event) -> None:
        """Hear of everything that is recorded."""
        group, processes, machine = CgroupDetails.read(event), ProcessDetails.read(event), MachineFigures.read(event)
        if group is not None and group.user_seconds is not None:
            self._has_group = True
            self._note_use(group.user_seconds, group.system_seconds or 0.0)
        elif processes is not None and processes.user_seconds is not None and not self._has_group:
            self._note_use(processes.user_seconds, processes.system_seconds or 0.0)
        if processes is not None and processes.runnable is not None:
            self._note_load(processes.runnable)
        if machine is not None:
            self._note_machine(machine)

    def series(self, labels: Mapping[str, str], *, stale_after_s: float) -> Iterator[Metric]:
        """CPU time and load, as far as they were read lately."""
        now = self._clock.monotonic()
        if self._noted_at is not None and now - self._noted_at <= stale_after_s:
            yield from cpu_time(dict(self._seconds), max(1, math.ceil(self.cpus)), labels)
        if self._load_at is not None and now - self._load_at <= stale_after_s:
            for name, value in tuple(self._loads.items()):
                yield from named(name, "Load average.", value, labels)

    def _note_use(self, user: float, system: float) -> None:
        now, before = self._clock.monotonic(), self._used
        self._used, self._noted_at = (now, user, system), now
        if before is None:
            return
        passed = now - before[0]
        used = {"user": max(0.0, user - before[1]) / self.cpus, "system": max(0.0, system - before[2]) / self.cpus}
        left = max(0.0, passed - sum(used.values()))
        for mode, share in self._others.items():
            used[mode] = min(left, share * passed)
            left -= used[mode]
        for mode, seconds in (used | {"idle": left}).items():
            self._seconds[mode] += seconds

    def _note_machine(self, figures: MachineFigures) -> None:
        now, before = self._clock.monotonic(), self._machine
        self._machine = (now, figures)
        if before is None or not figures.cpus or now <= before[0]:
            return
        for mode in self._others:
            grown = _field(figures, mode) - _field(before[1], mode)
            self._others[mode] = max(0.0, grown / figures.cpus / (now - before[0]))

    def _note_load(self, runnable: float) -> None:
        now, before = self._clock.monotonic(), self._load_at
        self._load_at = now
        for name, minutes_s in _LOADS.items():
            kept = 0.0 if before is None else math.exp(-(now - before) * self._time_scale / minutes_s)
            self._loads[name] = kept * self._loads.get(name, 0.0) + (1 - kept) * runnable


def _field(figures: Reading, mode: str) -> float:
    return getattr(figures, f"{mode}_seconds", None) or 0.0
