"""The containers that grow with the calls, by the names that a reader of the code knows: whose attribute each is.

A leak is held by a `list` or a `dict` nearly always. What helps is whose: `app.sessions.Registry.entries`.
"""

from __future__ import annotations

import contextlib
import gc
import types
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from leakdrill.pytest_plugin.cache_fill import LRU_CACHE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_SIZES: Final[Mapping[type, Callable[[Any], int]]] = {
    kind: kind.__len__ for kind in (list, dict, set, deque, OrderedDict, defaultdict)
}
_MOST_STEPS: Final = 4
_MOST_REFERRERS: Final = 8
_PLAIN: Final = (list, tuple, dict, set, deque, OrderedDict, defaultdict)


@dataclass(frozen=True, slots=True)
class Holder:
    """A container that grew.

    Attributes:
        name: whose it is, such as `app.Registry.entries`; empty where nothing with a name leads to it.
        kind: its type, such as `list`.
        more_a_call: how many elements it has gained with each call.
    """

    name: str
    kind: str
    more_a_call: float


def sizes(objects: Iterable[Any]) -> dict[int, int]:
    """How many elements each container among `objects` has, by its identity."""
    return {id(thing): size(thing) for thing in objects if (size := _sizer(type(thing)))}


def grown(objects: Iterable[Any], before: Mapping[int, int]) -> list[tuple[Any, int]]:
    """The containers among `objects` that have more elements than `before`, and how many more; the most first."""
    more = []
    for thing in objects:
        size = _sizer(type(thing))
        added = size(thing) - before[id(thing)] if size and id(thing) in before else 0
        if added > 0:
            more.append((thing, added))
    return sorted(more, key=lambda pair: -pair[1])


def latest(container: Any, count: int) -> Iterator[Any]:
    """The `count` elements that came last, keys and values of a mapping; of a set, which has no order, any."""
    with contextlib.suppress(RuntimeError):  # a thread changes it meanwhile
        if isinstance(container, dict):
            for key in islice(reversed(container), count):
                yield key
                yield dict.__getitem__(container, key)
        elif isinstance(container, set):
            yield from islice(container, count)
        else:
            yield from islice(reversed(container), count)


def whose(thing: Any, ours: set[int], steps: int = _MOST_STEPS) -> str:
    """The name by which code reaches `thing`, such as `app.Registry.entries`; empty where none is found.

    Args:
        thing: what is held.
        ours: identities of what only the search holds.
        steps: how many containers it may lie in.

    There is no closure over `thing` in here: it would be found as what holds it.
    """
    if type(thing) not in _PLAIN:
        return type_name(type(thing))
    referrers = [one for one in gc.get_referrers(thing) if id(one) not in ours and not isinstance(one, types.FrameType)]
    del referrers[_MOST_REFERRERS:]
    ours = {*ours, id(thing), id(referrers)}
    for one in referrers:
        if name := _by_name(one, thing, ours):
            return name
    for one in referrers if steps > 1 else ():
        if type(one) in _PLAIN and (name := whose(one, ours, steps - 1)):
            return name
    return ""


def type_name(kind: type) -> str:
    """The name of a type with its module, without `builtins`."""
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")


def _sizer(kind: type) -> Callable[[Any], int] | None:
    known = _SIZES.get(kind)
    if known is not None or kind.__module__ == "builtins":
        return known
    return next((_SIZES[base] for base in kind.__mro__ if base in _SIZES), None)


def _by_name(owner: Any, thing: Any, ours: set[int]) -> str:
    """The name of `thing` in `owner`: a module, an instance, a class or a function; empty where it has none there."""
    if isinstance(owner, types.CellType):
        return _in_closure(owner, ours)
    if type(owner) is dict:
        key = _key(owner, thing)
        return _in_namespace(owner, key, ours) if key else ""
    if isinstance(owner, types.FunctionType):
        return f"{owner.__module__}.{owner.__qualname__}"
    if type(owner) in _PLAIN or isinstance(owner, types.ModuleType | type):
        return ""
    return _in_instance(owner, thing)


def _in_instance(owner: Any, thing: Any) -> str:
    if isinstance(owner, LRU_CACHE):
        return f"the lru_cache of {owner.__module__}.{owner.__qualname__}"
    if type(owner).__module__ == "builtins":
        return ""
    namespace = _namespace(owner)
    key = _key(namespace, thing) if namespace is not None else ""
    return f"{type_name(type(owner))}.{key}" if key else type_name(type(owner))


def _in_namespace(namespace: dict[Any, Any], key: str, ours: set[int]) -> str:
    """Where `namespace` is that of a module, a class or an instance."""
    if {"__name__", "__spec__"} <= namespace.keys():
        return f"{namespace['__name__']}.{key}"
    for owner in gc.get_referrers(namespace):
        if id(owner) in ours:
            continue
        if isinstance(owner, type) and key in vars(owner):
            return f"{type_name(owner)}.{key}"
        if _namespace(owner) is namespace:
            return f"{type_name(type(owner))}.{key}"
    return ""


def _in_closure(cell: Any, ours: set[int]) -> str:
    for closure in gc.get_referrers(cell):
        if type(closure) is not tuple or id(closure) in ours:
            continue
        for function in gc.get_referrers(closure):
            if isinstance(function, types.FunctionType) and function.__closure__ is closure:
                names = function.__code__.co_freevars
                name = next((name for name, held in zip(names, closure, strict=True) if held is cell), "")
                return f"{function.__module__}.{function.__qualname__}: {name}"
    return ""


def _namespace(owner: Any) -> dict[Any, Any] | None:
    """The `__dict__` of an object, where it has one; no code of its class is run."""
    try:
        found = object.__getattribute__(owner, "__dict__")
    except (AttributeError, TypeError):
        return None
    return found if type(found) is dict else None


def _key(namespace: dict[Any, Any], thing: Any) -> str:
    return next((key for key, held in list(namespace.items()) if held is thing and isinstance(key, str)), "")
