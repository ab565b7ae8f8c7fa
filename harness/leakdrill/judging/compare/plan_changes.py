"""What was changed in the plan between two runs: a difference may come of it, and it is usually what was tried."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from leakdrill.units import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class PlanChange:
    """One key of the plan with another value: `scenario.target.limits.memory`, and both values as text."""

    key: str
    before: str
    after: str


def plan_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[PlanChange]:
    """Returns each key whose value differs, by its path.

    An element of a list is told by its name where it has the same in both runs, else by its number. Of a `Path` only
    the last name counts: in which folder a file lay says nothing.
    """
    old, new = dict(_leaves(before, ())), dict(_leaves(after, ()))
    keys = [*old, *(key for key in new if key not in old)]
    return [
        PlanChange(_shown(key, old, new), _text(old, key), _text(new, key))
        for key in keys
        if (key in old, old.get(key)) != (key in new, new.get(key))
    ]


def plain_plan(plan: BaseModel) -> dict[str, Any]:
    """A plan as plain data, in which what names a file is still a `Path`: a text such as `/health` is none."""
    plain: dict[str, Any] = _with_paths(json.loads(plan.model_dump_json()), plan.model_dump())
    return plain


def _with_paths(plain: Any, typed: Any) -> Any:
    if isinstance(typed, PurePath):
        return PurePath(plain)
    if isinstance(plain, dict) and isinstance(typed, dict):
        return {key: _with_paths(value, typed.get(key)) for key, value in plain.items()}
    if isinstance(plain, list) and isinstance(typed, list | tuple) and len(plain) == len(typed):
        return [_with_paths(one, other) for one, other in zip(plain, typed, strict=True)]
    return plain


_Key = tuple[str | int, ...]


def _leaves(value: Any, path: _Key) -> Iterator[tuple[_Key, Any]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if parts is None:
        yield path, value.name if isinstance(value, PurePath) else value
        return
    for key, inner in parts:
        yield from _leaves(inner, (*path, key))


def _shown(key: _Key, old: Mapping[_Key, Any], new: Mapping[_Key, Any]) -> str:
    """The path as text: `steps."clear the cache".http.path`."""
    parts = []
    for at, part in enumerate(key):
        named = (*key[: at + 1], "name")
        name = old.get(named)
        is_named = isinstance(part, int) and isinstance(name, str) and name == new.get(named)
        parts.append(quoted(name) if is_named else str(part))
    return ".".join(parts)


def _text(leaves: Mapping[_Key, Any], key: _Key) -> str:
    return "not there" if key not in leaves else quoted(leaves[key])
