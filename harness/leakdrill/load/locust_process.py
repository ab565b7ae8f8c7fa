"""The Locust process of a load, in a session of its own: announced in the journal, started, ended with its workers.

Locust is never imported here, because gevent would replace the sockets and threads of the harness.
"""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING, Final

import psutil

from leakdrill.load.in_locust.variables import LIFELINE_ENV
from leakdrill.load.log_masking import mask_log
from leakdrill.machine.child_signals import with_default_sigint
from leakdrill.machine.reaped import reap
from leakdrill.machine.session import kill_session
from leakdrill.record.journal_header import MARK_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from leakdrill.record.journal import Entry, Journal

_LAST_LINES: Final = 3


class LocustProcess:
    """One Locust, and the log of its output.

    Args:
        log: gets Locust's output.
        locustfile: names the load in messages.
        cwd: the folder in which it runs; None for ours.
        run_id: marks the process in the journal.
        journal: where the process is announced.
    """

    def __init__(self, *, log: Path, locustfile: Path, cwd: Path | None, run_id: str, journal: Journal) -> None:
        self.log = log
        self._cwd = cwd
        self._locustfile = locustfile
        self._run_id = run_id
        self._journal = journal
        self._process: subprocess.Popen[bytes] | None = None
        self._entry: Entry | None = None
        self._lifeline_fd: int | None = None

    @property
    def pid(self) -> int:
        """The process id, of the master when there are several; 0 before `start`."""
        return self._process.pid if self._process else 0

    @property
    def returncode(self) -> int | None:
        """The exit code; None before the start and while it runs."""
        return self._process.poll() if self._process else None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self, argv: Sequence[str], env: Mapping[str, str], *, inherited_fds: Collection[int]) -> None:
        """Start Locust; the journal has it first. It ends by itself when we are gone (in_locust/lifeline.py)."""
        entry = self._entry = self._journal.plan("process", run_id=self._run_id, argv0="locust")
        far_fd, self._lifeline_fd = os.pipe()
        try:
            with self.log.open("ab") as log:
                process = self._process = subprocess.Popen(
                    with_default_sigint(argv),
                    cwd=self._cwd,
                    env={**env, LIFELINE_ENV: str(far_fd), MARK_VARIABLE: self._journal.mark},
                    pass_fds=(*inherited_fds, far_fd),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        finally:
            os.close(far_fd)
        self._entry = self._journal.done(entry, pid=process.pid, create_time=psutil.Process(process.pid).create_time())

    def terminate(self) -> None:
        """Ask Locust to end; requests under way may finish."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End whatever is left of Locust and its workers."""
        if self._process is not None:
            kill_session(self._process.pid)
            reap(self._process)

    def forget(self) -> None:
        """Note in the journal that there is nothing left to undo, and mask what it logged. Safe to call twice."""
        if self._lifeline_fd is not None:
            os.close(self._lifeline_fd)
            self._lifeline_fd = None
        if self._entry is not None:
            self._journal.undone(self._entry)
            self._entry = None
            mask_log(self.log)

    def state(self, when: str) -> str:
        """Returns what has become of Locust, for a message: how it ended `when`, and the end of its log."""
        code = self.returncode
        state = "was not started" if self._process is None else "runs" if code is None else f"ended with {code}"
        return f"the load (Locust, {self._locustfile}) {state} {when}; last log lines: {self.last_lines()}"

    def last_lines(self) -> str:
        """Returns the last lines of the log that are not empty, or `none`."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return " | ".join(lines[-_LAST_LINES:]) or "none"
