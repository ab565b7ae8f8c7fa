"""What a call returned, where that shows that the function's own code has not run.

Calling `async def`, a generator function or a function that makes a lazy iterator only makes an object; what is
measured then is the making of the object. A coroutine is run, because there is only one way to do it. Everything else
is refused: how far it is to be run, and what is to be done with its elements, only the test can say.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import inspect
import io
import multiprocessing.pool
import types
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import NonCallableMock

if TYPE_CHECKING:
    from collections.abc import Callable

_PLAIN: Final = frozenset({type(None), bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set})
_CONTAINERS: Final = frozenset({list, tuple, dict, set})
_CONTEXT_MANAGER: Final = (
    type(contextlib.contextmanager(lambda: iter(()))()).__mro__[1]  # what all that `contextmanager` makes are
)
_UNRUN: Final[tuple[tuple[tuple[type[Any], ...], str, str], ...]] = (
    (
        (multiprocessing.pool.AsyncResult,),
        "a result of a pool that nobody waits for",
        "leak_gate(lambda: work().get())",
    ),
    ((concurrent.futures.Future,), "a future that nobody waits for", "leak_gate(lambda: work().result())"),
    (
        (AsyncIterator,),
        "an asynchronous iterator that nobody reads",
        "leak_gate an `async def` that reads it with `async for`",
    ),
    ((io.IOBase,), "", ""),  # a file is an iterator, too, and has been opened
    ((NonCallableMock,), "a mock", "leak_gate the real function"),
    (
        (Iterator,),
        "an iterator that nobody reads, and what makes its elements has not run",
        "leak_gate(lambda: list(it()))",
    ),
    ((_CONTEXT_MANAGER,), "a context manager that nobody enters", "leak_gate a function that uses it in a `with`"),
    (
        (types.FunctionType, types.MethodType, types.BuiltinFunctionType, functools.partial),
        "a function that nobody calls",
        "leak_gate(lambda: make()()), or leak_gate the function itself",
    ),
)
"""Types, what a result of them is, and what to gate instead; the first one counts, and an empty text is no problem."""


def is_plain(result: object) -> bool:
    """Whether `result` is of a type that never stands for work to be done."""
    return type(result) in _PLAIN


def holds_unrun(result: object) -> bool:
    """Whether a plain container begins with work to be done: a coroutine or a generator that nobody runs."""
    if type(result) not in _CONTAINERS or not result:
        return False
    first = next(iter(result.values() if isinstance(result, dict) else result))  # type: ignore[call-overload]
    return inspect.iscoroutine(first) or inspect.isgenerator(first) or inspect.isasyncgen(first)


def unrun(result: object) -> tuple[str, str] | None:
    """What `result` is, and how to have it run, when its code has not run; None when it has, or can be awaited."""
    if holds_unrun(result):
        return "a collection of coroutines or generators that nobody runs", "leak_gate a function that runs them"
    found = next(((what, instead) for kinds, what, instead in _UNRUN if isinstance(result, kinds)), ("", ""))
    return found if found[0] else None


def awaitable(result: object) -> bool:
    """Whether `result` can be awaited: a coroutine, or an object of its own kind that can."""
    return inspect.isawaitable(result) and not isinstance(result, NonCallableMock)


def runs_nothing(function: Callable[..., Any]) -> tuple[str, str] | None:
    """What `function` is, and what to gate instead, when calling it runs no code of anybody's; None when it does."""
    bare = function
    while isinstance(bare, functools.partial):
        bare = bare.func
    if isinstance(bare, NonCallableMock):
        return "a mock, which only notes its calls", "leak_gate the real function"
    if inspect.isgeneratorfunction(bare) or inspect.isasyncgenfunction(bare):
        return "a generator function, and calling it runs nothing", "wrap it: leak_gate(lambda: list(it()))"
    if (
        isinstance(bare, type)
        and not hasattr(bare, "__await__")
        and all(getattr(bare, name) is getattr(object, name) for name in ("__init__", "__new__"))
    ):
        return "a class that does nothing when it is made", "leak_gate a method of it, or a function that uses it"
    return None
