"""Ctrl-C, SIGTERM and a closed terminal: they end a drill, and never its way back."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING, Final

from leakdrill.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_HEARD: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_late: Final[list[list[Interrupted]]] = []
"""What was heard in each `uninterruptible` block that is open. Signals are the process's, and so is this."""


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Turn Ctrl-C, SIGTERM and a closed terminal into `Interrupted`, once.

    A second one while undoing is not heard, so that undo ends. Under `nohup` a closed terminal stays unheard.
    """
    kept_up = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    heard = [number for number in _HEARD if not (kept_up and number == signal.SIGHUP)]

    def stop(number: int, _frame: FrameType | None) -> None:
        for other in heard:
            signal.signal(other, signal.SIG_IGN)
        said = f"stopped by {signal.Signals(number).name} (pid {os.getpid()}); everything was undone"
        if not _late:
            raise Interrupted(said)
        _late[-1].append(Interrupted(said))

    before = {number: signal.signal(number, stop) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def uninterruptible() -> Iterator[None]:
    """What is in it comes to its end; a stop that is heard meanwhile is raised then.

    Raises:
        Interrupted: at the end, when there was one.
    """
    heard: list[Interrupted] = []
    _late.append(heard)
    try:
        yield
    finally:
        _late.pop()
    if heard:
        raise heard[0]
