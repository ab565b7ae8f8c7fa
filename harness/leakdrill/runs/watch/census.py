"""The memory that each process of the command holds.

Resident bytes (RSS) are cheap and count a shared page once for each process that maps it; proportional bytes (PSS)
divide it among them, so their sum is what the command really occupies. Where PSS may not be read, as for a process of
another user, its RSS stands in. Sources: proc(5); the kernel's Documentation/ABI/testing/procfs-smaps_rollup.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leakdrill.judging.watch.naming import phase_of, program_name
from leakdrill.machine.orphans import living_thread
from leakdrill.meters.process import parse_memory_kinds
from leakdrill.record.events import ProcessMember
from leakdrill.remember import remember

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leakdrill.judging.watch.plan import PhaseRule
    from leakdrill.record.recorder import Recorder

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_LONGEST_COMMAND: Final = 300
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PARENT: Final = 1  # fields of `stat`, counted after the command's name
_START: Final = 19
_MOST_MEMBERS: Final = 16_384
"""More than live at a time; a long build starts processes by the million."""
_NEW_S: Final = 0.2
"""Longer than a vfork takes to become an exec."""


@dataclass(frozen=True, slots=True)
class Member:
    """The identity of a process, born so long after boot; recorded again when it becomes another program."""

    parent: int
    born_s: float
    program: str
    command: str
    phase: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The memory of one process: its share of shared pages, what is swapped out, and its own huge pages.

    `shmem_bytes` of it are mapped files in memory; `huge_bytes` beside it are huge pages that it shares.
    """

    memory_bytes: float
    shmem_bytes: float = 0.0
    huge_bytes: float = 0.0


class Census:
    """Reads the processes of one attempt; `rules` name its phases."""

    def __init__(self, recorder: Recorder, rules: Sequence[PhaseRule]) -> None:
        self._recorder = recorder
        self._rules = rules
        self._members: dict[int, Member] = {}
        self._threads: dict[int, str] = {}

    def resident(self, pids: Iterable[int]) -> dict[int, bytes]:
        """The `statm` of each living process; those without memory (just ended, not yet waited for) are left out."""
        statm = {}
        for pid in pids:
            text = _statm(f"/proc/{pid}")
            if text and not resident_bytes(text) and (thread := living_thread(pid)) not in (pid, None):
                remember(self._threads, pid, f"/proc/{pid}/task/{thread}")
                text = _statm(self._threads[pid])
            if text and resident_bytes(text):
                statm[pid] = text
        return statm

    def held(self, statm: dict[int, bytes]) -> dict[int, Held]:
        """The memory of each process; everyone new is recorded as a member first."""
        held: dict[int, Held] = {}
        for pid, text in statm.items():
            try:
                self._meet(pid)
                held[pid] = self._one(pid, text, statm)
            except (FileNotFoundError, ProcessLookupError):
                continue
        return held

    def named(self, pid: int) -> str:
        """The program of `pid`, for a message."""
        member = self._members.get(pid)
        return f"{member.program} (pid {pid})" if member else f"pid {pid}"

    def _one(self, pid: int, text: bytes, statm: dict[int, bytes]) -> Held:
        try:
            fields = parse_memory_kinds(Path(self._threads.get(pid, f"/proc/{pid}"), "smaps_rollup").read_bytes())
        except PermissionError:
            return Held(memory_bytes=float(resident_bytes(text)))
        if not fields or self._is_borrowed(pid, fields["uss_bytes"], statm):
            return Held(memory_bytes=0.0)
        memory = fields["pss_bytes"] + fields["swap_bytes"] + fields["hugetlb_bytes"]
        return Held(memory_bytes=memory, shmem_bytes=fields["shmem_bytes"], huge_bytes=fields["shared_hugetlb_bytes"])

    def _is_borrowed(self, pid: int, own_bytes: float, statm: dict[int, bytes]) -> bool:
        """Whether `pid` still lives in its parent's memory, between vfork and exec, and would count it once more.

        After a plain fork the pages are shared, not private, and PSS divides them; by the time a child has rewritten
        half of them it is no longer new.
        """
        member = self._members[pid]
        above = statm.get(member.parent, b" ")
        is_new = time.clock_gettime(time.CLOCK_BOOTTIME) - member.born_s < _NEW_S
        return is_new and above.split()[:1] == statm[pid].split()[:1] and own_bytes > resident_bytes(statm[pid]) / 2

    def _meet(self, pid: int) -> None:
        known = self._members.get(pid)
        argv = _argv(pid)
        command = " ".join(argv)[:_LONGEST_COMMAND]
        if known and known.command == command:
            return
        parent, born_s = _origin(pid)
        above = self._members[parent].phase if parent in self._members else ""
        member = Member(parent, born_s, program_name(argv), command, phase_of(command, above, self._rules))
        remember(self._members, pid, member, most=_MOST_MEMBERS)
        self._recorder.record(
            ProcessMember(pid, parent, str(pid), program=member.program, command=command, phase=member.phase)
        )


def _statm(folder: str) -> bytes:
    try:
        with open(f"{folder}/statm", "rb") as file:  # noqa: PTH123 - ten times a second
            return file.read()
    except OSError:
        return b""


def resident_bytes(statm: bytes) -> int:
    """Resident bytes in the text of a `statm`."""
    return int(statm.split()[1]) * _PAGE_BYTES


def _argv(pid: int) -> list[str]:
    text = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    words = text.rstrip("\0").split("\0")
    return words if words[0] else [Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()]


def _origin(pid: int) -> tuple[int, float]:
    """Returns its parent's id and its birth; the name before them in `stat` may hold anything, a bracket too."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return int(fields[_PARENT]), int(fields[_START]) / _TICKS_PER_S
