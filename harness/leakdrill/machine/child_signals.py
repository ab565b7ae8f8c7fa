"""How a child process is started that can be interrupted, even where we cannot.

A shell that starts us in the background makes us ignore SIGINT, and an ignored signal stays ignored in every child and
across `exec`; a handler does not. `restore_signals` of `subprocess` leaves SIGINT alone, and a `preexec_fn` may
deadlock beside threads. So the child becomes the command by way of a Python that imports nothing of the user's.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_RESET_AND_BECOME: Final = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])"
)


def with_default_sigint(argv: Sequence[str]) -> list[str]:
    """`argv`, started so that SIGINT ends it unless it says otherwise; the process keeps its pid."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        return list(argv)
    return [sys.executable, "-I", "-S", "-c", _RESET_AND_BECOME, *argv]
