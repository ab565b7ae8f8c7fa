"""Stands in every mutated module: calls go to the function as it is written, or to the one mutant that is switched on.

mutmut writes each function of a module several times, the original and its mutants, and a table of them. It has a
switch of its own, which asks the environment at every call; this one changes the table once, in a process of its own.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MutantDict = dict[str, Any]
"""The versions of one function, by the name that mutmut gave them."""

ORIGINAL: Final = "_mutmut_orig"

TABLES: Final[dict[str, MutantDict]] = {}
"""The versions of every function that was imported, by module and mangled name."""

called: set[str] = set()
"""Which functions were called since the set was last emptied."""

listeners: list[Callable[[str, Any, tuple[Any, ...], dict[str, Any]], Any]] = []
"""The last of them makes each call, of the function at a place, with its arguments; without any it is just made."""


def wrap_in_trampoline(versions: MutantDict, is_classmethod: bool = False) -> Callable[[Any], Any]:
    """Returns the decorator that mutmut puts around each function, under mutmut's own name for it."""

    def wrap(decorated: Any) -> Any:
        place = f"{decorated.__module__}.{decorated.__qualname__}"
        TABLES[place] = versions

        @wraps(decorated)
        def call(*args: Any, **kwargs: Any) -> Any:
            called.add(place)
            chosen = versions[ORIGINAL]
            if is_classmethod:
                return getattr(args[0], chosen.__name__)(*args[1:], **kwargs)
            return listeners[-1](place, chosen, args, kwargs) if listeners else chosen(*args, **kwargs)

        return call

    return wrap


def switch_on(place: str, name: str) -> Any:
    """From now on, calls of the function at `place` go to its mutant `name`; returns what they went to before."""
    before = TABLES[place][ORIGINAL]
    TABLES[place][ORIGINAL] = TABLES[place][name]
    return before
