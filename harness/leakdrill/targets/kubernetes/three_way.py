"""Takes one's own change out of a value that others may have changed too: before, what was set, and now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_ABSENT: Final = object()
_LONGEST: Final = 60


def without_change(before: Any, ours: Sequence[Any], now: Any, *, place: str = "", others: list[str]) -> Any:
    """`now` as it would be without our change.

    Args:
        before: the value before our first change.
        ours: what we may have set, one after the other.
        now: the value as it is.
        place: where it stands, for messages.
        others: gets a sentence for each part that we changed and somebody else changed since; it stays as it is.
    """
    if now == before or all(one == before for one in ours):
        return now
    if any(now == one for one in ours):
        return before
    keyed = [_keyed(value) for value in (before, now, *ours)]
    if any(value is None for value in keyed):
        others.append(f"{place} was {_shown(before)}, the drill set {_shown(ours[-1])}, and it is {_shown(now)} now")
        return now
    old, new, *set_ = [value or {} for value in keyed]
    parts = {
        key: without_change(
            old.get(key, _ABSENT), [one.get(key, _ABSENT) for one in set_], new.get(key, _ABSENT),
            place=f"{place}.{key}" if place else key, others=others,
        )
        for key in dict.fromkeys([*new, *old])
    }  # fmt: skip
    left = {key: value for key, value in parts.items() if value is not _ABSENT}
    return list(left.values()) if isinstance(now, list) else left


def _keyed(value: Any) -> Mapping[str, Any] | None:
    """The parts of an object, or of a list whose members have names; None for what is changed as a whole."""
    if value is _ABSENT:
        return None
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and value and all(isinstance(one, dict) and "name" in one for one in value):
        return _by_name(value)
    return None


def _by_name(members: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {str(member["name"]): member for member in members}


def _shown(value: Any) -> str:
    text = "not there" if value is _ABSENT else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
