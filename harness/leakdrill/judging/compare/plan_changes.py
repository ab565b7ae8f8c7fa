"""What was changed in the plan between two runs: a difference may come of it, and it is usually what was tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leakdrill.units import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class PlanChange:
    """One key of the plan with another value: `scenario.target.limits.memory`, and both values as text."""

    key: str
    before: str
    after: str


def plan_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[PlanChange]:
    """Returns each key whose value differs, by its path; of a list, its elements by number."""
    old, new = dict(_leaves(before, "")), dict(_leaves(after, ""))
    keys = [*old, *(key for key in new if key not in old)]
    return [PlanChange(key, _text(old, key), _text(new, key)) for key in keys if old.get(key) != new.get(key)]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if parts is None:
        is_path = isinstance(value, str) and value.startswith("/")  # where the file lay says nothing
        yield path, value.rsplit("/", 1)[-1] if is_path else value
        return
    for key, inner in parts:
        yield from _leaves(inner, f"{path}.{key}" if path else str(key))


def _text(leaves: Mapping[str, Any], key: str) -> str:
    return "not there" if key not in leaves else quoted(leaves[key])
