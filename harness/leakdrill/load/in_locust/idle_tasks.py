"""Which parts of a locustfile never ran, though the load was long enough for them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from locust import User

from leakdrill.load.in_locust.user_monitor import task_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_SURELY: Final = 20.0
"""A task that should have run so often on average and did not once was not left out by chance: e to the minus 20."""

_MOST: Final = 12
_CHARS: Final = 80


def idle_parts(ran: Mapping[str, int], classes: Sequence[type], *, chosen: bool) -> list[str]:
    """Returns the user classes and the tasks that never ran, the first few by name.

    Args:
        ran: how often each part ran (user_monitor.py), over all processes.
        classes: the user classes that Locust takes.
        chosen: whether somebody named classes or tags on the command line, so that the rest is meant to be idle.
    """
    parts = [*_idle_classes(ran, classes, chosen=chosen)]
    for user in classes:
        parts += _idle_tasks(ran, user, chosen=chosen)
    return [part[:_CHARS] for part in dict.fromkeys(parts)][:_MOST]


def _idle_classes(ran: Mapping[str, int], classes: Sequence[type], *, chosen: bool) -> Iterator[str]:
    """The classes that got no user, and those that Locust does not take for their weight of 0."""
    yield from (f"{user.__name__} (no user)" for user in classes if not ran.get(user.__name__))
    if not chosen:
        for user in _below(User):
            if user not in classes and not user.abstract and not user.weight and not user.fixed_count:
                yield f"{user.__name__} (weight 0)"


def _below(owner: Any) -> Iterator[Any]:
    for user in owner.__subclasses__():
        yield user
        yield from _below(user)


def _idle_tasks(ran: Mapping[str, int], owner: Any, *, chosen: bool) -> Iterator[str]:
    """The tasks of a user class or task set that never ran, and of the task sets in it."""
    weights = Counter(owner.tasks)
    names = {task: f"{owner.__name__}.{task_name(task)}" for task in weights}
    total, all_weights = sum(ran.get(name, 0) for name in set(names.values())), sum(weights.values())
    for task, weight in weights.items():
        if not ran.get(names[task]) and total * weight / all_weights >= _SURELY:
            yield names[task]
        elif isinstance(task, type):
            yield from _idle_tasks(ran, task, chosen=chosen)
    if not chosen:
        yield from (f"{owner.__name__}.{name} (weight 0)" for name in _switched_off(vars(owner).values()))


def _switched_off(members: Iterable[Any]) -> Iterator[str]:
    yield from (task_name(member) for member in members if getattr(member, "locust_task_weight", None) == 0)
