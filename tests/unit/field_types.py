"""Holds what the judging makes of a record to the types that its classes declare.

A verdict shows a doubt's text and events only where the doubt decides it; a span may never be shown. So that a wrong
one does not pass by unseen, it is refused where it is made.
"""

from __future__ import annotations

import functools
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from leakdrill.judging.evidence.alert_states import Silence
from leakdrill.judging.evidence.doubt import Doubt
from leakdrill.judging.evidence.windows import Span, StepRun

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBER: Final = (int, float, np.number)


def _events(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(index, int | np.integer) for index in value)


TYPES: Final[dict[type, dict[str, Callable[[object], bool]]]] = {
    Doubt: {
        "text": lambda text: isinstance(text, str) and text != "",
        "events": _events,
        "about": lambda about: isinstance(about, frozenset) and all(isinstance(name, str) for name in about),
    },
    Silence: {"reason": lambda reason: isinstance(reason, str) and reason != "", "events": _events},
    Span: {"start_s": lambda t: isinstance(t, NUMBER), "end_s": lambda t: isinstance(t, NUMBER)},
    StepRun: {"start_s": lambda t: isinstance(t, NUMBER), "end_s": lambda t: isinstance(t, NUMBER)},
}


def hold() -> None:
    """Have each of these classes refuse values of another type, for as long as this process lives."""
    for kind, tests in TYPES.items():
        of_bases = {name: test for base in kind.__mro__ for name, test in TYPES.get(base, {}).items()}
        kind.__init__ = _holding(kind.__init__, {**of_bases, **tests})  # type: ignore[misc]


def _holding(make: Callable[..., None], tests: dict[str, Callable[[object], bool]]) -> Callable[..., None]:
    @functools.wraps(make)
    def held(self: Any, *args: Any, **named: Any) -> None:
        make(self, *args, **named)
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in tests and not tests[field.name](value):
                raise TypeError(f"{type(self).__name__}.{field.name} is {value!r}")

    return held
