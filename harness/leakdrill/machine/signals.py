"""The signals that ask a run to end: Ctrl-C (SIGINT), SIGTERM and a closed terminal (SIGHUP).

There are three ways to take them. `interruptible` raises `Interrupted` once: for a run that may be left at any line,
because everything it changes is in a journal. `StopRequest` only notes them: for a loop that asks between two steps,
where an exception could come between the start of a process and the line that remembers it. `StopRequest.take` hands
them on one by one: for a command that gets them from us.

What we were started to ignore stays ignored: SIGHUP under `nohup`, and SIGINT in the background of a shell without job
control, whose Ctrl-C is meant for the command in front. SIGTERM ends a run always.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING, Final

from leakdrill.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType, TracebackType
    from typing import Self

_STOPS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STANDARD_STREAMS: Final = (0, 1, 2)

_postponed: Final[list[list[Interrupted]]] = []
"""The interruptions in each `uninterruptible` block that is open. Signals are the process's, and so is this."""


@contextlib.contextmanager
def _handled(handler: Callable[[signal.Signals], None], *, ignored_afterwards: bool = False) -> Iterator[None]:
    """Call `handler` with each signal that asks us to end, except for those that we were started to ignore."""
    terminals = [stream for stream in _STANDARD_STREAMS if os.isatty(stream)]

    def handle(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            _detach(terminals)
        handler(signal.Signals(number))

    numbers = [
        number for number in _STOPS if number == signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN
    ]
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, signal.SIG_IGN if ignored_afterwards else previous)


def _detach(terminals: list[int]) -> None:
    """Send what was written to a terminal that is closed nowhere: otherwise the next line printed raises EIO."""
    closed = [stream for stream in terminals if not os.isatty(stream)]
    if closed:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in closed:
            os.dup2(nowhere, stream)
        os.close(nowhere)


@contextlib.contextmanager
def interruptible(*, to_the_end: bool = False) -> Iterator[None]:
    """Turn a signal that asks us to end into `Interrupted`, once: later ones are ignored, so that undo can end.

    Args:
        to_the_end: whether the process ends after this; then a late signal does not change its exit code any more.
    """
    interrupted = False

    def interrupt(number: signal.Signals) -> None:
        nonlocal interrupted
        if interrupted:
            return
        interrupted = True
        done = "" if to_the_end else "; everything was undone"  # a session says so, and only it can
        error = Interrupted(f"stopped by {number.name} (pid {os.getpid()}){done}")
        if not _postponed:
            raise error
        _postponed[-1].append(error)

    with _handled(interrupt, ignored_afterwards=to_the_end):
        yield


@contextlib.contextmanager
def uninterruptible() -> Iterator[None]:
    """Postpone an interruption to the end of the block.

    Raises:
        Interrupted: at the end, when there was one.
    """
    interruptions: list[Interrupted] = []
    _postponed.append(interruptions)
    try:
        yield
    finally:
        _postponed.pop()
    if interruptions:
        raise interruptions[0]


class StopRequest:
    """True once a signal has asked this process to end. Use as a context manager."""

    def __init__(self) -> None:
        self._signals: list[signal.Signals] = []
        self._taken = 0
        self._first_at_s = 0.0
        self._handlers = contextlib.ExitStack()

    def __bool__(self) -> bool:
        return bool(self._signals)

    def __enter__(self) -> Self:
        self._handlers.enter_context(_handled(self._note))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._handlers.close()

    @property
    def signal_name(self) -> str:
        """The name of the first signal; empty when there was none."""
        return self._signals[0].name if self._signals else ""

    def take(self) -> list[signal.Signals]:
        """Returns the signals that came since this was last called."""
        fresh = self._signals[self._taken :]
        self._taken += len(fresh)
        return fresh

    def is_urgent(self, patience_s: float) -> bool:
        """Whether there were two signals, or one more than `patience_s` ago."""
        waited_s = time.monotonic() - self._first_at_s
        return len(self._signals) > 1 or (bool(self._signals) and waited_s > patience_s)

    def _note(self, number: signal.Signals) -> None:
        self._signals.append(number)
        self._first_at_s = self._first_at_s or time.monotonic()
