"""The command itself: started with our own standard streams, signalled, waited for, and ended with all its processes.

On a terminal it shares our process group, so that the terminal's Ctrl-C reaches it directly, as it would without us.
Elsewhere it gets a group of its own, and what we are sent is passed on to that group once.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from leakdrill.errors import EnvironmentProblem
from leakdrill.files import users_umask
from leakdrill.machine.adopted_start import SMALL_BYTES, start_adopted
from leakdrill.machine.process_tree import PART_VARIABLE, RUN_ID_VARIABLE, ProcessTree
from leakdrill.masking import masked_tree
from leakdrill.record.journal_header import MARK_VARIABLE
from leakdrill.targets.base.placeholders import entering

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.judging.watch.plan import WatchPlan
    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.record.journal import Journal

PART: Final = "watch"
STOP_TIMEOUT_S: Final = 10.0
"""From asking the command to end until it is killed."""

_KIB: Final = 1024
_SHELL_SIGNAL: Final = 128  # a shell reports a child's signal as 128 more


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The end of the command.

    Attributes:
        status: its exit code; negative for a signal.
        signal: the signal's name, also where a shell reports it for a child; empty when it was none.
        largest_process_bytes: the largest resident size that any one process had, by the kernel's count, so also
            between readings; None where it cannot be distinguished from our own size.
        unknown_bytes: up to here nobody can tell how large its processes became, when `largest_process_bytes` is None.
        oom_kill: `true`, `false`, `machine` (someone was killed somewhere on the machine) or `unknown`.
    """

    status: int
    signal: str
    largest_process_bytes: int | None
    unknown_bytes: int
    oom_kill: str


class Command:
    """The command of `plan`, running.

    Args:
        plan: says what to run.
        env: added to our environment.
        cgroup: entered before its first instruction; None for none.
        adopts: whether orphans come to us.
        journal: gets it before it exists.
        run_id: marks its processes.

    Raises:
        EnvironmentProblem: when the system refuses to start it.
    """

    def __init__(
        self,
        plan: WatchPlan,
        *,
        env: Mapping[str, str],
        cgroup: Cgroup | None,
        adopts: bool,
        journal: Journal,
        run_id: str,
    ) -> None:
        self.on_terminal = _on_terminal()
        self._process: subprocess.Popen[bytes] | None = None
        self._cgroup = cgroup
        self._kills = self._count_kills()
        folders = cgroup.folders if cgroup else ()
        data = {"run_id": run_id, "part": PART, "cgroup": str(folders[0]) if folders else None}
        self.entry = journal.plan(
            "process", command=masked_tree(list(plan.command)), stop_timeout_s=STOP_TIMEOUT_S, **data
        )
        self._adopted = adopts and not cgroup
        whole = {**os.environ, **env, RUN_ID_VARIABLE: run_id, PART_VARIABLE: PART, MARK_VARIABLE: journal.mark}
        try:
            self.pid = self._start(entering(folders, plan.command), whole)
        except OSError as e:
            raise EnvironmentProblem(f"{plan.command[0]} could not be started: {e.strerror}") from e
        born = psutil.Process(self.pid).create_time()
        self.entry = journal.done(self.entry, pid=self.pid, create_time=born)
        self.family = ProcessTree.from_journal(self.entry.data, mark=journal.mark)

    def _start(self, argv: list[str], env: Mapping[str, str]) -> int:
        if self._adopted:
            return start_adopted(argv, env=env, own_group=not self.on_terminal, umask=users_umask())
        self._process = subprocess.Popen(
            argv, env=env, process_group=None if self.on_terminal else 0, umask=users_umask()
        )
        return self._process.pid

    def poll(self) -> Ended | None:
        """Returns its end; None while it runs. Asked again after its end it fails, because the kernel has forgotten."""
        pid, raw, usage = os.wait4(self.pid, os.WNOHANG)
        if not pid:
            return None
        status = os.waitstatus_to_exitcode(raw)
        if self._process:
            self._process.returncode = status
        largest = usage.ru_maxrss * _KIB
        # A child that we start directly begins in our memory, and its record starts with that size.
        ours = SMALL_BYTES if self._adopted else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB
        return Ended(
            status=status,
            signal=signal_name(status),
            largest_process_bytes=largest if largest > ours else None,
            unknown_bytes=ours,
            oom_kill=self._oom_kill(status),
        )

    def forward(self, number: signal.Signals) -> None:
        """Pass on a signal that we were sent."""
        if self.on_terminal and number is signal.SIGINT:
            return  # the terminal sent it to the whole group
        with contextlib.suppress(ProcessLookupError):
            if self.on_terminal:
                os.kill(self.pid, number)
            else:
                os.killpg(self.pid, number)

    def _count_kills(self) -> int | None:
        return self._cgroup.oom_kills() if self._cgroup else _kills_on_machine()

    def _oom_kill(self, status: int) -> str:
        now = self._count_kills()
        if now is None or self._kills is None:
            return "unknown"
        if now <= self._kills:
            return "false"
        if self._cgroup:
            return "true"
        return "machine" if status else "false"


def signal_name(status: int) -> str:
    """The name of the signal in an exit status, our own (-9) or a shell's (137); empty when there is none."""
    number = -status if status < 0 else status - _SHELL_SIGNAL
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""


def _kills_on_machine() -> int | None:
    with contextlib.suppress(OSError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return None


def _on_terminal() -> bool:
    """Whether we are what the terminal's keys go to."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
