"""Everything that one started process became: children, its session, its cgroup, and what carries its marker.

A child that forks twice and changes its session leaves the process tree, but it keeps the environment it was started
with and cannot leave its cgroup. So its processes are looked for in four ways, each from data in the journal.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil

from leakdrill.machine.orphans import living_thread
from leakdrill.record.journal_header import MARK_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RUN_ID_VARIABLE: Final = "LEAKDRILL_RUN_ID"
"""Environment variable that marks every process of a run."""

PART_VARIABLE: Final = "LEAKDRILL_PART"
"""Environment variable that tells the parts of a run apart: `target`, `load`, `prometheus`."""

_CREATE_TIME_SLACK_S: Final = 2.0  # the kernel's boot time, which psutil adds, moves when the clock is set
_POLL_S: Final = 0.03
_KILL_TIMEOUT_S: Final = 5.0
_LINKS_OF_AN_EMPTY_FOLDER: Final = 2
_READ_BYTES: Final = 16384


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessTree:
    """One started process and all that came of it.

    Attributes:
        run_id: value of `LEAKDRILL_RUN_ID` in its environment.
        part: value of `LEAKDRILL_PART`; None when the run id alone marks it.
        pid: the first process; None when the record ends before it was known.
        create_time: its psutil `create_time`, so that a pid given out again is left alone.
        cgroup: the folder of a cgroup that nobody else enters.
        mark: value of `LEAKDRILL_MARK`, which no other run has; empty where the run id alone counts.
    """

    run_id: str
    part: str | None = None
    pid: int | None = None
    create_time: float | None = None
    cgroup: Path | None = None
    mark: str = ""

    @classmethod
    def from_journal(cls, data: Mapping[str, Any], *, mark: str) -> ProcessTree:
        """The process tree of an entry of kind `process` of the journal that has this mark."""
        return cls(
            run_id=data["run_id"],
            part=data.get("part"),
            pid=data.get("pid"),
            create_time=data.get("create_time"),
            cgroup=Path(data["cgroup"]) if data.get("cgroup") else None,
            mark=mark,
        )

    def members(self) -> list[psutil.Process]:
        """Returns the processes that live now; a zombie does not, and this process and its ancestors never belong."""
        pids = {*self._tree(), *self._in_cgroup(), *self._marked()} - _own_ancestry()
        return [process for process in map(_living, pids) if process]

    def end(self, *, term_timeout_s: float) -> list[int]:
        """Ask every member to end, then kill what is left after `term_timeout_s`; returns the pids that stay."""
        if not self._signal_until_gone(signal.SIGTERM, term_timeout_s, repeat=False):
            return []
        return self._signal_until_gone(signal.SIGKILL, _KILL_TIMEOUT_S, repeat=True)

    def _signal_until_gone(self, number: signal.Signals, timeout_s: float, *, repeat: bool) -> list[int]:
        deadline = time.monotonic() + timeout_s
        members, signalled = self.members(), set[psutil.Process]()
        while members:
            for process in members if repeat else set(members) - signalled:
                with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                    process.send_signal(number)
            signalled.update(members)
            if time.monotonic() >= deadline:
                break
            time.sleep(_POLL_S)
            members = self.members()
        return [process.pid for process in members]

    def _tree(self) -> Iterator[int]:
        """The first process while it is still the same one, its descendants and its session."""
        if self.pid is None or not self._is_first(self.pid):
            return
        yield self.pid
        with contextlib.suppress(psutil.NoSuchProcess):
            yield from (child.pid for child in psutil.Process(self.pid).children(recursive=True))
        for pid in psutil.pids():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.getsid(pid) == self.pid:
                    yield pid

    def _is_first(self, pid: int) -> bool:
        try:
            born = psutil.Process(pid).create_time()
        except psutil.Error:
            return False
        same = self.create_time is not None and abs(born - self.create_time) < _CREATE_TIME_SLACK_S
        return same and _marker(pid, RUN_ID_VARIABLE) in (None, self.run_id)

    def _in_cgroup(self) -> list[int]:
        return group_pids(self.cgroup) if self.cgroup else []

    def _marked(self) -> Iterator[int]:
        wanted = {RUN_ID_VARIABLE: self.run_id, PART_VARIABLE: self.part, MARK_VARIABLE: self.mark}
        for pid in psutil.pids():
            if all(value in (None, "", _marker(pid, name)) for name, value in wanted.items()):
                yield pid


def group_pids(folder: Path) -> list[int]:
    """The members of a control group and of the groups that its members made below it; none when it is gone."""
    try:
        group = os.open(str(folder), os.O_PATH | os.O_DIRECTORY)
    except OSError:
        return []
    try:
        pids = _listed("cgroup.procs", group)
        # The kernel counts a folder's links: two, and one for each folder in it. Looking for them is dear.
        if os.fstat(group).st_nlink != _LINKS_OF_AN_EMPTY_FOLDER:
            for procs in folder.glob("*/**/cgroup.procs"):
                pids += _listed(str(procs))
        return pids
    finally:
        os.close(group)


def _listed(procs: str, folder: int | None = None) -> list[int]:
    # Opened each time: of a version 1 file that stays open, the kernel repeats the list that it once made.
    try:
        file = os.open(procs, os.O_RDONLY, dir_fd=folder)
    except OSError:
        return []
    try:
        text = b""
        while more := os.read(file, _READ_BYTES):
            text += more
        return list(map(int, text.split()))
    except OSError:
        return []
    finally:
        os.close(file)


def _marker(pid: int, variable: str) -> str | None:
    """The value of `variable` in the environment `pid` was started with; None when absent or not ours to read."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None
    start = f"{variable}=".encode()
    return next(
        (v[len(start) :].decode(errors="replace") for v in environment.split(b"\0") if v.startswith(start)), None
    )


def _own_ancestry() -> set[int]:
    this = psutil.Process()
    return {this.pid, *(ancestor.pid for ancestor in this.parents())}


def _living(pid: int) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        return process if living_thread(pid) else None
    except psutil.Error:
        return None
