"""Which keys of a mapping may stand together, as JSON Schema says it: what the models check themselves, for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Schema = dict[str, Any]


def given(name: str) -> Schema:
    """The schema of a mapping in which `name` has a value; an empty one counts as none."""
    return {"required": [name], "properties": {name: {"not": {"enum": [None, "", [], {}]}}}}


def has(name: str) -> Schema:
    """The schema of a mapping in which `name` stands and is not null; `{}` counts."""
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}


def exactly_one(names: Iterable[str]) -> Schema:
    """One of `names` stands there, and no other."""
    return {"oneOf": [has(name) for name in names]}


def at_least_one(names: Iterable[str]) -> Schema:
    """One of `names` stands there, or several."""
    return {"anyOf": [has(name) for name in names]}


def at_most_one(names: Sequence[str]) -> Schema:
    """None of `names` stands there, or one."""
    return {"oneOf": [{"not": at_least_one(names)}, *(has(name) for name in names)]}


def equals(name: str, *values: object) -> Schema:
    """The schema of a mapping in which `name` stands with one of `values`."""
    return {"required": [name], "properties": {name: {"enum": list(values)}}}


def where(condition: Schema, then: Schema) -> Schema:
    """Where `condition` holds, `then` must hold."""
    return {"if": condition, "then": then}
