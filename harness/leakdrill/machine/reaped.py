"""Waits for a child that was told to die, also where a signal broke off an earlier wait for it.

`Popen` guards its wait by a lock of its own. What a signal handler raises between taking that lock and the block that
gives it back leaves it taken for ever, and `Popen.wait()` without a time limit then never returns.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import Any, Final

_USUALLY_S: Final = 5.0


def reap(process: subprocess.Popen[Any], usually_s: float = _USUALLY_S) -> None:
    """Return when `process` has ended and left no zombie.

    Args:
        process: a child that was killed.
        usually_s: seconds after which it is waited for by its PID alone.
    """
    try:
        process.wait(usually_s)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process.pid, 0)
