"""A watched command's memory, read from its record: how much, when, and whose."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from leakdrill.record.events import CgroupResources, ProcessMember, ProcessPss, WatchAttempt, WatchExited

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leakdrill.record.history import History

By = Literal["program", "phase"]

FILES: Final = "files in memory"
"""What no process maps: tmpfs, memfd, shared memory."""

REST: Final = "the kernel and ended processes"
"""What the control group is charged with besides: pipes, sockets, page tables, and what was gone when it was read."""

_PROCESS: Final = re.compile(r"pid_[0-9]+_bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One start of the command.

    Attributes:
        number: from 1.
        mode: the memory mode it ran in; empty without modes.
        start_s, end_s: seconds since the start of the run; the record's end where the attempt has none.
        exited: the event that says how the command ended; None when it does not say.
        available_bytes: what the machine had left for it when it began.
        followed: how its processes were followed: `cgroup`, `processes`; empty in records of earlier versions.
        closed_s: when all that it started had ended, too.
    """

    number: int
    mode: str
    start_s: float
    end_s: float
    exited: WatchExited | None
    available_bytes: float
    followed: str
    closed_s: float

    @property
    def duration_s(self) -> float:
        """The duration of the attempt."""
        return self.end_s - self.start_s

    @property
    def status(self) -> float:
        """The exit code; a signal's number with a minus; 0 when it is not known."""
        return (self.exited.status if self.exited else None) or 0.0

    @property
    def largest_process_bytes(self) -> float:
        """The largest resident set of one process, as the kernel counts it; 0 when it is not known."""
        return (self.exited.largest_process_bytes if self.exited else None) or 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The memory of the process tree at one moment, shared pages counted once.

    Attributes:
        t: seconds since the start of the run.
        total_bytes: of all processes.
        by_pid: bytes of each process.
        others: bytes that are of no process, by what they are.
        index: the event.
    """

    t: float
    total_bytes: float
    by_pid: dict[int, float]
    others: dict[str, float]
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One program's, or one phase's, share of an attempt.

    Attributes:
        name: of the program or phase.
        at_peak_bytes: what it held when the whole tree was at its peak.
        peak_bytes: the most that it held at once.
        area_byte_s: its memory times time.
        start_s, end_s: when it was first and last seen, since the attempt began.
    """

    name: str
    at_peak_bytes: float
    peak_bytes: float
    area_byte_s: float
    start_s: float
    end_s: float


def attempts(history: History) -> list[Attempt]:
    """Every start of the command, in order."""
    exits = {e.number: e for e in history.of(WatchExited)}
    starts = []
    for act in history.acts(WatchAttempt):
        number, available = act.begin.number or "0", act.begin.available_bytes
        exited = exits.get(number)
        last = exited or act.end
        starts.append(
            Attempt(
                number=int(number) if number.isdecimal() else 0,
                mode=act.begin.mode,
                start_s=act.begin.t,
                end_s=last.when if last else history.end_s,
                exited=exited,
                available_bytes=float(available) if available.isdecimal() else math.inf,
                followed=act.begin.followed,
                closed_s=act.end.t if act.end else history.end_s,
            )
        )
    return starts


def readings(history: History, attempt: Attempt) -> list[Reading]:
    """The readings of the processes during `attempt`."""
    return [
        Reading(
            t=e.t,
            total_bytes=e.pss_bytes + (e.files_bytes or 0.0) + (e.rest_bytes or 0.0),
            by_pid={int(key[4:-6]): held for key, held in e.others.items() if _PROCESS.fullmatch(key)},
            others={name: held for name, held in ((FILES, e.files_bytes), (REST, e.rest_bytes)) if held},
            index=e.index,
        )
        for e in history.of(ProcessPss)
        if e.pss_bytes is not None and attempt.start_s <= e.t <= attempt.end_s
    ]


def killed_s(history: History, attempt: Attempt) -> float:
    """The moment of the kernel's first kill in the command's cgroup: when its counter rose; else the end."""
    counter = history.series(CgroupResources, "oom_kills").between(attempt.start_s, attempt.end_s)
    rises = zip(counter.t, counter.values, counter.values[1:], counter.t[1:], strict=False)
    return next((float(after_s) for _, before, after, after_s in rises if after > before), attempt.end_s)


def peak(samples: Sequence[Reading]) -> Reading | None:
    """The reading with the most bytes; None when there is none."""
    return max(samples, key=lambda r: r.total_bytes, default=None)


def area_byte_s(samples: Sequence[Reading], held: Callable[[Reading], float] = lambda r: r.total_bytes) -> float:
    """Memory times time: byte-seconds under the readings, joined by straight lines."""
    pairs = itertools.pairwise(samples)
    return sum((b.t - a.t) * (held(a) + held(b)) / 2 for a, b in pairs)


class Owners:
    """The owners of the memory: the processes of a record, by program or by phase."""

    def __init__(self, history: History) -> None:
        self._members: dict[int, list[ProcessMember]] = {}
        for event in history.of(ProcessMember):
            if event.pid.isdecimal():
                self._members.setdefault(int(event.pid), []).append(event)

    def name(self, pid: int, index: int, by: By) -> str:
        """The program or phase of `pid` at the event `index`; a process may become another program."""
        known = [e for e in self._members.get(pid, ()) if e.index <= index]
        return (getattr(known[-1], by) or "?") if known else "?"

    def shares(self, reading: Reading, by: By = "program") -> dict[str, float]:
        """Bytes of `reading` by program or phase, the largest first."""
        held: dict[str, float] = {}
        for pid, count in reading.by_pid.items():
            name = self.name(pid, reading.index, by)
            held[name] = held.get(name, 0.0) + count
        held |= reading.others
        return dict(sorted(held.items(), key=lambda item: -item[1]))

    def heaviest(self, reading: Reading) -> str:
        """The process that holds most of `reading`, named with its id."""
        pid = max(reading.by_pid, key=lambda p: reading.by_pid[p], default=None)
        other = max(reading.others, key=lambda name: reading.others[name], default="")
        if other and reading.others[other] > reading.by_pid.get(pid or 0, 0.0):
            return other
        return "no process" if pid is None else f"{self.name(pid, reading.index, 'program')} (pid {pid})"

    def killed(self, samples: Sequence[Reading], at_s: float) -> tuple[str, Reading] | None:
        """The process that a kill at `at_s` ended, as far as readings tell, and the last reading that has it.

        The heaviest of those that are gone afterwards; the heaviest of all where none is seen to go.
        """
        before = [r for r in samples if r.t <= at_s and r.total_bytes > 0]
        if not before:
            return None
        later = {pid for r in samples if r.t > at_s for pid in r.by_pid}
        last = before[-1]
        gone = {pid: held for pid, held in last.by_pid.items() if pid not in later} or last.by_pid
        pid = max(gone, key=lambda p: gone[p])
        return f"{self.name(pid, last.index, 'program')} (pid {pid})", last

    def parts(self, samples: Sequence[Reading], by: By, start_s: float) -> list[Part]:
        """The split of an attempt that began at `start_s`, the largest share of the peak first."""
        top = peak(samples)
        rows = [self.shares(reading, by) for reading in samples]
        at_peak = self.shares(top, by) if top else {}
        names = dict.fromkeys([*at_peak, *(name for row in rows for name in row)])
        return [_part(name, samples, rows, at_peak.get(name, 0.0), start_s) for name in names]


def _part(
    name: str, samples: Sequence[Reading], rows: Sequence[dict[str, float]], at_peak: float, start_s: float
) -> Part:
    held = {reading.index: row.get(name, 0.0) for reading, row in zip(samples, rows, strict=True)}
    times = [reading.t for reading, row in zip(samples, rows, strict=True) if name in row]
    return Part(
        name=name,
        at_peak_bytes=at_peak,
        peak_bytes=max(held.values()),
        area_byte_s=area_byte_s(samples, lambda r: held[r.index]),
        start_s=times[0] - start_s,
        end_s=times[-1] - start_s,
    )
