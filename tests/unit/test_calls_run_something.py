"""A gate on a function measures nothing where the function's own code has not run, and then says so."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import functools
import gc
import io
import multiprocessing.pool
import os
from unittest.mock import AsyncMock, MagicMock, Mock

import pytest

from leakdrill.errors import BadInput
from leakdrill.pytest_plugin.calls import Calls
from leakdrill.pytest_plugin.gate import gate_function
from leakdrill.pytest_plugin.schedule import MeasurementLength

SEEN: list[int] = []


async def work() -> None:
    """Leaves a mark when it really runs."""
    await asyncio.sleep(0)
    SEEN.append(1)


async def returns_work():
    return work()


class Awaitable:
    """Can be awaited, and is no coroutine."""

    def __await__(self):
        return work().__await__()


def decorated(function):
    """A decorator as most are: the function that it makes is a plain one."""

    @functools.wraps(function)
    def inner(*args):
        return function(*args)

    return inner


def generator():
    yield 1


async def async_generator():
    yield 1


@contextlib.contextmanager
def context():
    yield


class Bare:
    """Does nothing when it is made."""


class Point:
    """Does something when it is made."""

    def __init__(self) -> None:
        self.x = 1


def runs(function, count=3):
    SEEN.clear()
    with Calls(function) as calls:
        calls.many(count)
        assert calls.done == count
    return len(SEEN)


@pytest.mark.parametrize(
    "function",
    [
        work,
        decorated(work),
        functools.partial(work),
        lambda: work(*()),
        Awaitable,
        decorated(decorated(work)),
        returns_work,
        decorated(returns_work),
    ],
    ids=["async", "decorated", "partial", "lambda", "awaitable", "twice", "handed on", "handed on, decorated"],
)
def test_what_can_be_awaited_is_awaited_at_every_call(function):
    assert runs(function) == 3


FUTURE = concurrent.futures.Future()


async def returns_a_generator():
    return generator()


COROUTINE = work()
COROUTINE.close()


@pytest.mark.parametrize(
    "function",
    [
        generator, async_generator, functools.partial(generator), decorated(generator), decorated(async_generator),
        lambda: map(str, [1]), lambda: iter([1]), lambda: (x for x in [1]), lambda: FUTURE, context, lambda: generator,
        lambda: functools.partial(generator), Mock(), MagicMock(), AsyncMock(), lambda: Mock(spec=int),
        Bare, functools.partial(Bare), returns_a_generator,
        lambda: [COROUTINE], lambda: (generator(), 1), lambda: {"a": async_generator()},
    ],
)  # fmt: skip
def test_what_has_not_run_is_refused(function):
    with pytest.raises(BadInput, match="nothing was measured"):
        runs(function)


@pytest.mark.parametrize("function", [Point, list, lambda: None, lambda: [1], lambda: {"a": Point()}])
def test_what_has_run_is_not_refused(function):
    with Calls(function) as calls:
        calls.many(2)


def test_a_file_that_was_opened_is_no_unread_iterator():
    with Calls(lambda: io.BytesIO(b"line")) as calls:
        calls.many(2)


def test_what_is_raised_at_a_call_is_not_caught():
    with pytest.raises(ZeroDivisionError), Calls(lambda: 1 / 0) as calls:
        calls.many(5)


def test_a_child_that_comes_back_ends_and_is_reported():
    pid = os.getpid()

    def forks():
        child = os.fork()
        if child:
            os.waitpid(child, 0)

    with pytest.raises(BadInput, match="forks, and the child comes back"), Calls(forks) as calls:
        calls.many(2)
    assert os.getpid() == pid


def test_a_result_of_a_pool_that_nobody_waits_for_is_refused():
    waits_for_none = pytest.raises(BadInput, match="a result of a pool that nobody waits for")
    with multiprocessing.pool.ThreadPool(1) as pool, waits_for_none:
        runs(lambda: pool.apply_async(int))


def test_a_time_that_is_no_number_is_refused():
    for seconds in (float("nan"), float("inf"), 0.0):
        with pytest.raises(BadInput, match="expected a number above 0"):
            MeasurementLength(seconds=seconds)


def test_a_function_that_switches_the_collector_off_is_unknown_and_it_is_switched_on_again():
    verdict, text = gate_function(gc.disable, (), {}, length=MeasurementLength(calls=2000), budget="32B")
    assert (str(verdict.outcome), gc.isenabled()) == ("UNKNOWN", True)
    assert "leaves garbage collection switched off" in text
