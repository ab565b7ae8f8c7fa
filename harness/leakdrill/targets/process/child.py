"""One start of the target's command, and the end of it that nobody asked for."""

from __future__ import annotations

import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Any, Final

import psutil

from leakdrill.errors import EnvironmentProblem
from leakdrill.files import users_umask
from leakdrill.machine.child_signals import with_default_sigint
from leakdrill.masking import masked_tree
from leakdrill.record.events import TargetExited
from leakdrill.record.journal_header import MARK_VARIABLE
from leakdrill.targets.base.placeholders import entering
from leakdrill.targets.base.readiness import signal_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.record.journal import Journal
    from leakdrill.record.recorder import Recorder

_SHELL_SIGKILL: Final = 128 + signal.SIGKILL  # how a shell reports that its child was killed


class Child:
    """A command that was just started in `cgroup`, in a session of its own.

    Args:
        process: the started command.
        cgroup: where it runs; None where the machine allows no control group.
        oom_kills: the control group's count before it was started.

    Attributes:
        asked: set before we end it ourselves; its end is no news then.
    """

    def __init__(self, process: subprocess.Popen[bytes], cgroup: Cgroup | None, oom_kills: int | None) -> None:
        self.asked = False
        self._process = process
        self._cgroup = cgroup
        self._oom_kills = oom_kills
        self._watcher: threading.Thread | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """How it ended: negative for a signal; None while it runs."""
        return self._process.returncode

    def watch(self, recorder: Recorder) -> None:
        """Record its end unless we asked for it. Nothing is started again: that would hide what happened."""
        self._watcher = threading.Thread(target=self._wait, args=(recorder,), name="target-watcher", daemon=True)
        self._watcher.start()

    def join(self) -> None:
        """Return when its end is known."""
        if self._watcher:
            self._watcher.join()

    def _wait(self, recorder: Recorder) -> None:
        code = self._process.wait()
        if self.asked:
            return
        recorder.record(
            TargetExited(
                exit_code=float(code),
                pid=str(self.pid),
                signal=signal_name(-code) if code < 0 else "",
                oom_kill=self._oom_kill(code),
            )
        )

    def _oom_kill(self, code: int) -> str:
        """Whether the OOM killer ended it: `true`, `false`, or `unknown` where nobody counts."""
        if code not in (-signal.SIGKILL, _SHELL_SIGKILL):
            return "false"
        now = self._cgroup.oom_kills() if self._cgroup else None
        if now is None or self._oom_kills is None:
            return "unknown"
        return "true" if now > self._oom_kills else "false"


def start_child(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    cgroup: Cgroup | None,
    journal: Journal,
    **data: Any,
) -> Child:
    """Start `argv` in `cgroup`, its output appended to `log`.

    Args:
        argv: the program and its arguments.
        env: its whole environment.
        cwd: its working folder.
        log: gets standard output and standard error.
        cgroup: entered before the first instruction of the command.
        journal: hears of the process before it exists, and of its pid afterwards.
        data: what else the journal keeps for undoing it.

    Raises:
        EnvironmentProblem: when the system refuses to start it.
    """
    folders = cgroup.folders if cgroup else ()
    entry = journal.plan(
        "process", cgroup=str(folders[0]) if folders else None, command=masked_tree(list(argv)), **data
    )
    oom_kills = cgroup.oom_kills() if cgroup else None
    try:
        with log.open("ab") as output:
            process = subprocess.Popen(
                with_default_sigint(entering(folders, argv)),
                env={**env, MARK_VARIABLE: journal.mark},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=users_umask(),
            )
    except OSError as e:
        raise EnvironmentProblem(f"{argv[0]} could not be started in {cwd}: {e.strerror} ({e.filename})") from e
    journal.done(entry, pid=process.pid, create_time=psutil.Process(process.pid).create_time())
    return Child(process, cgroup, oom_kills)
