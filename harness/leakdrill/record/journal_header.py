"""The first line of a journal: who wrote it, where, and the mark that everything which it names carries.

Whoever can write a file can make up a journal. So nothing is undone from one that this user, on this machine, did not
write at the place where it lies; and what it names is touched only where it carries the mark, a random text that is
in the environment of each process of the run, and in the name or the label of everything else.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

JOURNAL_FILE: Final = "journal.jsonl"
"""Name of the journal in a run folder."""

MARK_VARIABLE: Final = "LEAKDRILL_MARK"
"""Environment variable that carries the mark in every process of a run."""

MARK_LABEL: Final = "leakdrill.mark"
"""Label that carries the mark on everything that a run makes on an engine or in a cluster."""

NAME_PREFIX: Final = "leakdrill-"
"""The prefix of the name of every cgroup, folder, container and namespace that a run makes outside its run folder."""

VERSION: Final = 1
_SHORT: Final = 8
_STATE, _STARTED = 0, 19  # in /proc/PID/stat, counted after the name


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the first line says.

    Attributes:
        journal: the version of this form.
        mark: what everything of the run carries: 32 hexadecimal digits.
        folder: the run folder, without links.
        inode: the journal's; a copy has another.
        uid: the user.
        boot: the kernel's id of this start of the machine.
        machine: the machine's id; empty where it has none, as in many containers.
        pid: the process that runs the drill.
        started: when that began, in the kernel's ticks since the boot, which no clock moves.
        pid_namespace: the namespace in which `pid` counts.
    """

    journal: int = VERSION
    mark: str
    folder: str
    inode: int
    uid: int
    boot: str
    machine: str
    pid: int
    started: int
    pid_namespace: int

    @classmethod
    def of_this_process(cls, folder: Path, *, inode: int) -> Self:
        """The header of a journal that this process begins in `folder`."""
        return cls(
            mark=secrets.token_hex(16),
            folder=str(folder.resolve()),
            inode=inode,
            uid=os.geteuid(),
            boot=boot_id(),
            machine=machine_id(),
            pid=os.getpid(),
            started=started_ticks(os.getpid()) or 0,
            pid_namespace=_pid_namespace(),
        )

    @classmethod
    def parse(cls, line: Any) -> Self:
        """The header that the first line of a journal is, once read as JSON.

        Raises:
            ValueError: when it is none; says why.
        """
        if not isinstance(line, dict) or "journal" not in line:
            raise ValueError('found no header; expected {"journal": 1, "mark": …}')
        for field in fields(cls):
            kind = int if field.type == "int" else str
            if type(line.get(field.name)) is not kind:
                raise ValueError(f"{field.name} of the header is missing or no {'number' if kind is int else 'text'}")
        if line["journal"] != VERSION:
            raise ValueError(f"the header is of version {line['journal']}; expected {VERSION}")
        if len(line["mark"]) != len(secrets.token_hex(16)) or not set(line["mark"]) <= set("0123456789abcdef"):
            raise ValueError("the mark is not 32 hexadecimal digits")
        return cls(**{field.name: line[field.name] for field in fields(cls)})

    def as_line(self) -> dict[str, Any]:
        """It, as it is written."""
        return asdict(self)

    @property
    def rebooted(self) -> bool:
        """Whether the machine was started again since: no process, control group or mount of then is left."""
        return self.boot != boot_id()

    @property
    def is_ours(self) -> bool:
        """Whether this very process wrote it."""
        return self._counts_here and self.pid == os.getpid() and self.started == started_ticks(self.pid)

    @property
    def owner_is_here(self) -> bool:
        """Whether the process that wrote it is still there, as far as this PID namespace shows."""
        return self._counts_here and self.started == started_ticks(self.pid)

    @property
    def processes_show(self) -> bool:
        """Whether the processes of the run would show here; those of an ended PID namespace are gone with it."""
        return self.rebooted or self._counts_here or self.pid == 1

    @property
    def processes_ended(self) -> bool:
        """Whether no process of the run can be left, whatever its journal says."""
        return self.rebooted or (self.pid == 1 and not self._counts_here)

    @property
    def _counts_here(self) -> bool:
        return not self.rebooted and self.pid_namespace == _pid_namespace()

    def own_name(self, name: str) -> str:
        """The name of something of this run's own outside of its folder: prefix, `name`, and the head of the mark."""
        return f"{NAME_PREFIX}{name}-{self.mark[:_SHORT]}"

    def owns_name(self, name: str) -> bool:
        """Whether `own_name` of this run made `name`."""
        return name.startswith(NAME_PREFIX) and name.endswith(f"-{self.mark[:_SHORT]}") and "/" not in name

    def foreign(self, journal: Path, state: os.stat_result) -> str | None:
        """Why nothing may be undone from `journal`, which `state` describes and which begins with this; None if it may.

        Args:
            journal: its path, without links.
            state: what the kernel says of the file.
        """
        if state.st_uid != os.geteuid() or self.uid != os.geteuid():
            return f"it belongs to user {state.st_uid if state.st_uid != os.geteuid() else self.uid}"
        if state.st_mode & 0o022:
            return "others than its owner may write to it"
        if state.st_ino != self.inode or state.st_nlink > 1 or str(journal.parent) != self.folder:
            return f"it was copied or moved here: it was written in {self.folder}"
        if self.rebooted and (not self.machine or self.machine != machine_id()):
            return "it was written on another machine"
        if not self.processes_show:
            return "it was written in another PID namespace, such as a container's, whose processes do not show here"
        return None


def boot_id() -> str:
    """The kernel's id of this start of the machine."""
    return _read("/proc/sys/kernel/random/boot_id")


def machine_id() -> str:
    """The machine's id; empty where it has none."""
    return _read("/etc/machine-id")


def started_ticks(pid: int) -> int | None:
    """When process `pid` began, in ticks since the boot; None when there is none, or only its exit code is left."""
    after_name = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    if len(after_name) <= _STARTED or after_name[_STATE] in "ZX":
        return None
    return int(after_name[_STARTED])


def _pid_namespace() -> int:
    return Path("/proc/self/ns/pid").stat().st_ino


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
