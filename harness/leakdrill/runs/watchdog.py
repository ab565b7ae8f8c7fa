"""The watchdog of a drill: a small process that ends load and target when the drill dies without undoing them.

The journal alone would do for `leakdrill clean`, but somebody has to call it; until then the load goes on and the
service leaks. `watchdog_wait.py` waits at the other end of a pipe, in a session of its own, so that what kills the
drill (its terminal, its shell, its process group, the OOM killer) does not kill it. It blocks the signals that ask
to end, and inherits nothing but the pipe. PR_SET_PDEATHSIG was the alternative: it comes when the thread that forked
ends, reaches only children, and cannot undo a control group or a container.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from leakdrill.machine.reaped import reap

if TYPE_CHECKING:
    from collections.abc import Mapping

WAIT_FILE: Final = Path(__file__).with_name("watchdog_wait.py")
UNDO_MODULE: Final = "leakdrill.runs.watchdog_undo"
SUPERIOR_VARIABLE: Final = "LEAKDRILL_SUPERIOR"
"""In the environment of a drill whose standard input is a pipe from the process that runs many: that pipe's name."""

_IGNORED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)
_STDIN: Final = 0
_END_TIMEOUT_S: Final = 5.0


class Watchdog:
    """The watchdog of this process.

    Raises:
        OSError: when it cannot be started.
    """

    def __init__(self) -> None:
        superior = _superior()
        # Blocked signals stay blocked across exec: it cannot be asked to end between its start and its first line.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _IGNORED)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(WAIT_FILE), str(os.getpid()), UNDO_MODULE, *map(str, superior)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=superior,
                start_new_session=True,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            for fd in superior:
                os.close(fd)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def guard(self, journal: Path) -> None:
        """Have `journal`, which exists, undone when this process dies."""
        self._say(b"journal " + os.fsencode(journal))

    def end(self) -> None:
        """Tell it that everything was undone, and return when it has ended."""
        self._say(b"end")
        with contextlib.suppress(BrokenPipeError):
            self._pipe.close()
        try:
            self._process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:  # somebody has stopped it
            self._process.kill()
            reap(self._process)

    def _say(self, line: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # somebody has killed it; the journal still serves `leakdrill clean`
            self._pipe.write(line + b"\n")
            self._pipe.flush()

    @property
    def _pipe(self) -> IO[bytes]:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        return self._process.stdin


def superior_pipe() -> tuple[int, int, Mapping[str, str]]:
    """A pipe by which a drill is tied to this process, which runs many.

    Returns:
        What becomes the drill's standard input, what this process keeps open as long as the drill may live, and what
        the drill's environment gets.
    """
    theirs, ours = os.pipe()
    return theirs, ours, {SUPERIOR_VARIABLE: _name(theirs)}


def _superior() -> tuple[int, ...]:
    """A copy of the pipe from the process that runs many drills; empty where this is not one of them."""
    name = os.environ.get(SUPERIOR_VARIABLE)
    try:
        return (os.dup(_STDIN),) if name and name == _name(_STDIN) else ()
    except OSError:
        return ()


def _name(fd: int) -> str:
    return str(Path(f"/proc/self/fd/{fd}").readlink())
