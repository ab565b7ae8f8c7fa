"""A function, sync or async, as something that can be done n times."""

from __future__ import annotations

import asyncio
import inspect
from itertools import repeat
from typing import TYPE_CHECKING, Any, Self

from leakdrill.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_TURNS = 5
"""Turns of the loop after each batch, so that callbacks of what was closed are done before memory is read."""


class Calls:
    """A context in which `many(n)` calls `function(*args, **kwargs)` n times and drops what it returns.

    A coroutine function is awaited, one call after the other, in one event loop for the whole context.
    """

    def __init__(self, function: Callable[..., Any], args: Sequence[Any] = (), kwargs: Mapping[str, Any] = {}) -> None:
        self._function, self._args, self._kwargs = function, args, dict(kwargs)
        self._runner = asyncio.Runner() if is_async(function) else None
        self.done = 0

    @property
    def name(self) -> str:
        """The function's name, for people."""
        return str(getattr(self._function, "__qualname__", None) or repr(self._function))

    def __enter__(self) -> Self:
        if is_generator(self._function):
            raise BadInput(
                f"{self.name}: is a generator function, and calling it runs nothing",
                hint="wrap it: leak_gate(lambda: list(it()))",
            )
        if self._runner is not None and _inside_a_loop():
            raise BadInput(
                f"{self.name}: is a coroutine function, and an event loop runs already",
                hint="call leak_gate from a plain `def test_…`; it brings a loop of its own",
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._runner is not None:
            self._runner.close()

    def many(self, count: int) -> None:
        """Call the function `count` times; what it raises is not caught."""
        if self._runner is None:
            function, args, kwargs = self._function, self._args, self._kwargs
            for _ in repeat(None, count):
                function(*args, **kwargs)
        else:
            self._runner.run(self._await_many(count))
        self.done += count

    async def _await_many(self, count: int) -> None:
        function, args, kwargs = self._function, self._args, self._kwargs
        for _ in repeat(None, count):
            await function(*args, **kwargs)
        for _ in range(_TURNS):
            await asyncio.sleep(0)


def is_async(function: Callable[..., Any]) -> bool:
    """Whether a call must be awaited: a coroutine function, or an object whose `__call__` is one."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def is_generator(function: Callable[..., Any]) -> bool:
    """Whether a call alone runs nothing of the function."""
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def _inside_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
