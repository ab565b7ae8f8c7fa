"""The processes of a run, known by what the kernel says of them, and ended.

A number alone proves nothing: it may be given out again, and whoever can write a journal can put any number into it. A
process belongs to a run when the mark is in the environment that it was started with; when it descends from one that
carries the mark, or is in its session; or when it is in a control group that only the run enters. Each is signalled by
a descriptor of it (`pidfd`), opened before it is looked at once more, so that none can be taken for another.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leakdrill.machine.process_tree import PART_VARIABLE, RUN_ID_VARIABLE
from leakdrill.record.journal_header import MARK_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_POLL_S: Final = 0.03
_KILL_TIMEOUT_S: Final = 5.0
_STATE, _PARENT, _SESSION, _STARTED = 0, 1, 3, 19  # in /proc/PID/stat, counted after the name


@dataclass(frozen=True, slots=True)
class Seen:
    """A living process as the kernel shows it: its number, its parent's, its session, and when it began, in ticks."""

    pid: int
    parent: int
    session: int
    started: int


def see(pid: int) -> Seen | None:
    """The process `pid`; None when there is none, or only its exit code is left of it."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    if len(after_name) <= _STARTED or after_name[_STATE] in (b"Z", b"X"):
        return None
    return Seen(pid, int(after_name[_PARENT]), int(after_name[_SESSION]), int(after_name[_STARTED]))


def see_all() -> dict[int, Seen]:
    """Every living process that shows here, by its number."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208 - of names only
    return {seen.pid: seen for seen in map(see, pids) if seen}


def started_with(pid: int, wanted: Mapping[str, str]) -> bool:
    """Whether the environment that `pid` was started with has the variables `wanted`; not where it may not be read."""
    try:
        environment = set(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
    except OSError:
        return False
    return all(f"{name}={value}".encode() in environment for name, value in wanted.items())


def marked(living: Mapping[int, Seen], *, mark: str, run_id: str = "", part: str = "") -> set[int]:
    """Those of `living` that carry the mark, of the part that is given, and what came of them."""
    wanted = {MARK_VARIABLE: mark} | ({RUN_ID_VARIABLE: run_id} if run_id else {})
    wanted |= {PART_VARIABLE: part} if part else {}
    return with_offspring({pid for pid in living if started_with(pid, wanted)}, living)


def with_offspring(first: set[int], living: Mapping[int, Seen]) -> set[int]:
    """`first`, their descendants, and the sessions that they lead."""
    found, todo = set(first), list(first)
    while todo:
        above = todo.pop()
        below = {one.pid for one in living.values() if above in (one.parent, one.session)} - found
        found |= below
        todo += below
    return found


def end(find: Callable[[], Iterable[Seen]], *, term_timeout_s: float) -> list[int]:
    """Ask every process that `find` shows to end, then kill what is left; returns the numbers of those that stay.

    Neither this process nor its ancestors are ever signalled.
    """
    ancestry = _ancestry()

    def others() -> list[Seen]:
        return [seen for seen in find() if seen.pid not in ancestry]

    asked: set[Seen] = set()
    deadline = time.monotonic() + term_timeout_s
    while (left := others()) and time.monotonic() < deadline:
        for seen in set(left) - asked:
            _signal(seen, signal.SIGTERM)
        asked |= set(left)
        time.sleep(_POLL_S)
    deadline = time.monotonic() + _KILL_TIMEOUT_S
    while left:
        for seen in left:
            _signal(seen, signal.SIGKILL)
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL_S)
        left = others()
    return [seen.pid for seen in left]


def _signal(seen: Seen, number: signal.Signals) -> None:
    """Send a signal to the process that was seen, and to no other that has its number by now."""
    try:
        descriptor = os.pidfd_open(seen.pid)
    except OSError:
        return
    try:
        now = see(seen.pid)
        if now and now.started == seen.started:
            with contextlib.suppress(OSError):  # it has ended, or is not ours to signal; then it is told as left
                signal.pidfd_send_signal(descriptor, number)
    finally:
        os.close(descriptor)


def _ancestry() -> set[int]:
    pids, pid = {1}, os.getpid()
    while pid and pid not in pids:
        pids.add(pid)
        seen = see(pid)
        pid = seen.parent if seen else 0
    return pids
