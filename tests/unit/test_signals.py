"""A stop ends what can be stopped, at once, and what undoes only when it is done."""

from __future__ import annotations

import os
import signal

import pytest

from leakdrill.errors import Interrupted
from leakdrill.machine.signals import StopRequest, interruptible, uninterruptible


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


def test_a_stop_while_undoing_is_raised_when_that_is_done() -> None:
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


def test_a_second_stop_does_not_disturb_what_the_first_has_begun() -> None:
    after: list[str] = []

    def work_and_undo() -> None:
        try:
            work([])
        finally:
            work(after, signal.SIGTERM)

    with pytest.raises(Interrupted, match="stopped by SIGINT"), interruptible():
        work_and_undo()
    assert after == ["done"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_request_is_noted_and_handed_on_once(number: signal.Signals) -> None:
    with StopRequest() as stop:
        assert not stop
        work([], number)
        assert stop
        assert stop.signal_name == number.name
        assert stop.take() == [number]
        assert stop.take() == []


def test_a_stop_request_is_urgent_when_it_is_repeated_or_old() -> None:
    with StopRequest() as stop:
        assert not stop.is_urgent(0)
        work([])
        assert not stop.is_urgent(60)
        assert stop.is_urgent(0)
        work([])
        assert stop.is_urgent(60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_what_we_were_started_to_ignore_stays_ignored(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        after: list[str] = []
        with interruptible():
            work(after, number)
        with StopRequest() as stop:
            work(after, number)
            assert not stop
        assert after == ["done", "done"]
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_sigterm_ends_a_run_that_was_started_to_ignore_it() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with pytest.raises(Interrupted, match="stopped by SIGTERM"), interruptible():
            work([], signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_catches_failures_does_not_take_a_stop_for_one() -> None:
    after: list[str] = []

    def step() -> None:
        try:
            work(after)
        except Exception:  # noqa: BLE001 - as a step, a probe or a library does
            after.append("failed")

    with pytest.raises(Interrupted), interruptible():
        step()
    assert after == []
