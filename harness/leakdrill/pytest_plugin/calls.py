"""A function, sync or async, as something that can be done n times, and that has really been done."""

from __future__ import annotations

import asyncio
import inspect
import mmap
import os
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self

from leakdrill.errors import BadInput
from leakdrill.pytest_plugin.results import awaitable, is_plain, runs_nothing, unrun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_TURNS: Final = 5
"""Turns of the loop after each batch, so that callbacks of what was closed are done before memory is read."""

_STRAY_CHILD: Final = 70  # EX_SOFTWARE


class Calls:
    """A context in which `many(n)` calls `function(*args, **kwargs)` n times and drops what it returns.

    What can be awaited is awaited, one call after the other, in one event loop for the whole context: what a coroutine
    function returns, and what a plain function does that hands a coroutine on, such as a decorated one.
    """

    def __init__(self, function: Callable[..., Any], args: Sequence[Any] = (), kwargs: Mapping[str, Any] = {}) -> None:
        self._function, self._args, self._kwargs = function, args, dict(kwargs)
        self._runner = asyncio.Runner() if is_async(function) else None
        self._pid = os.getpid()
        self._strays = mmap.mmap(-1, mmap.PAGESIZE)  # shared with children, so that one can say that it came back
        self.done = 0

    @property
    def name(self) -> str:
        """The function's name, for people."""
        return str(getattr(self._function, "__qualname__", None) or repr(self._function))

    def __enter__(self) -> Self:
        if problem := runs_nothing(self._function):
            self._refuse(*problem)
        if self._runner is not None:
            self._check_no_loop()
        return self

    def __exit__(self, *_: object) -> None:
        if self._runner is not None:
            self._runner.close()
        self._strays.close()

    def many(self, count: int) -> None:
        """Call the function `count` times; what it raises is not caught.

        Raises:
            BadInput: when what it returns shows that its code has not run, or when a child that it forks comes back.
        """
        try:
            while count:
                done = self._call(count) if self._runner is None else self._runner.run(self._await(count))
                self.done += done
                count -= done
        finally:
            self._end_stray_child()
        if self._strays[0]:
            self._refuse("a function that forks, and the child comes back", "end the child with os._exit() in it")

    def _call(self, count: int) -> int:
        """Call it `count` times; fewer when one call returned something to be awaited."""
        function, args, kwargs, pid = self._function, self._args, self._kwargs, self._pid
        usual: type[Any] = type(None)
        for number in range(count):
            result = function(*args, **kwargs)
            if os.getpid() != pid:
                self._end_stray_child()
            if type(result) is not usual:
                if awaitable(result):
                    self._await_from_now_on(result)
                    return number + 1
                usual = self._usual(result, usual)
        return count

    def _usual(self, result: object, usual: type[Any]) -> type[Any]:
        """The type that need not be looked at again."""
        self._check(result)
        return type(result) if is_plain(result) else usual

    def _await_from_now_on(self, first: Any) -> None:
        """The function hands on what must be awaited."""
        if asyncio.isfuture(first):
            self._refuse("a future of another loop than the gate's", "make it in an `async def` and await it there")
        self._check_no_loop()
        self._runner = asyncio.Runner()
        self._runner.run(_waited_for(first))

    async def _await(self, count: int) -> int:
        function, args, kwargs, pid = self._function, self._args, self._kwargs, self._pid
        for number in range(count):
            result = function(*args, **kwargs)
            while awaitable(result):
                result = await result
            if os.getpid() != pid:
                self._end_stray_child()
            if number == 0 or not is_plain(result):
                self._check(result)
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        return count

    def _check(self, result: object) -> None:
        if problem := unrun(result):
            what, instead = problem
            self._refuse(f"a function that returns {what}", instead)

    def _refuse(self, what: str, instead: str) -> NoReturn:
        raise BadInput(f"{self.name}: is {what}: nothing was measured", hint=instead)

    def _check_no_loop(self) -> None:
        if _inside_a_loop():
            raise BadInput(
                f"{self.name}: is a coroutine function, and an event loop runs already",
                hint="call leak_gate from a plain `def test_…`; it brings a loop of its own",
            )

    def _end_stray_child(self) -> None:
        """A child of the function that comes back would run the rest of the tests once more: it ends here."""
        if os.getpid() != self._pid:
            self._strays[0] = 1
            os._exit(_STRAY_CHILD)


async def _waited_for(awaited: Any) -> None:
    while awaitable(awaited):
        awaited = await awaited


def is_async(function: Callable[..., Any]) -> bool:
    """Whether a call must be awaited: a coroutine function, or an object whose `__call__` is one."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _inside_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
