"""A stop ends what can be stopped, at once, and what undoes only when it is done."""

from __future__ import annotations

import os
import signal

import pytest

from leakdrill.errors import Interrupted
from leakdrill.machine.signals import interruptible, uninterruptible


def work(after: list[str], number: signal.Signals = signal.SIGINT, *, breaks: bool = False) -> None:
    os.kill(os.getpid(), number)
    if breaks:
        raise OSError("it stays")
    after.append("done")


def test_a_stop_ends_a_drill_at_once() -> None:
    after: list[str] = []
    with pytest.raises(Interrupted, match="stopped by SIGTERM"), interruptible():
        work(after, signal.SIGTERM)
    assert not after


def test_a_stop_while_undoing_is_heard_when_that_is_done() -> None:
    after: list[str] = []
    with pytest.raises(Interrupted, match="stopped by SIGINT"), interruptible(), uninterruptible():
        work(after)
    assert after == ["done"]


def test_an_error_while_undoing_is_not_hidden_by_a_stop() -> None:
    with pytest.raises(OSError, match="it stays"), interruptible(), uninterruptible():
        work([], breaks=True)


def test_without_a_stop_nothing_is_raised_and_signals_are_as_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interruptible(), uninterruptible():
        pass
    assert signal.getsignal(signal.SIGINT) is before
