"""What was seen already, for as long as it may matter: a run lasts for days, and names of pods and errors never end."""

from __future__ import annotations

from typing import Final, TypeVar

K = TypeVar("K")
V = TypeVar("V")

MOST: Final = 4096
"""More than any run has of such things at a time."""


def remember(seen: dict[K, V], key: K, value: V, *, most: int = MOST) -> None:
    """Put `key` into `seen` as the latest; where there are more than `most`, the one seen longest ago is forgotten."""
    seen.pop(key, None)
    seen[key] = value
    if len(seen) > most:
        del seen[next(iter(seen))]


def is_new(seen: dict[K, None], key: K, *, most: int = MOST) -> bool:
    """Whether `key` was not seen lately; from now on it was."""
    new = key not in seen
    remember(seen, key, None, most=most)
    return new
