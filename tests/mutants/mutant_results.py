"""Reads what mutmut left beside each mutated module: for each mutant, how its tests ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_SURVIVED: Final = 0
_NO_TESTS: Final = frozenset({5, 33})
_NOT_A_MUTANT: Final = 34
"""mutmut's code for what a pragma leaves out."""


@dataclass(frozen=True, slots=True)
class Module:
    """One module's mutants.

    Attributes:
        name: dotted, below `leakdrill`.
        tried: how many have a result.
        killed: how many made a test fail, crash or run out of time.
        untried: how many have no result yet.
        survivors: the names of those that no test noticed, or that no test reaches.
    """

    name: str
    tried: int
    killed: int
    untried: int
    survivors: tuple[str, ...]


def read_modules(folder: Path) -> list[Module]:
    """The result of every mutated module below `folder`, by name."""
    return [_module(path) for path in sorted(folder.rglob("*.meta"))]


def _module(path: Path) -> Module:
    codes: dict[str, int | None] = json.loads(path.read_text())["exit_code_by_key"]
    real = {name: code for name, code in codes.items() if code != _NOT_A_MUTANT}
    survivors = tuple(name for name, code in real.items() if code == _SURVIVED or code in _NO_TESTS)
    untried = sum(code is None for code in real.values())
    parts = path.with_suffix("").with_suffix("").parts
    name = ".".join(parts[parts.index("leakdrill") + 1 :])
    tried = len(real) - untried
    return Module(name, tried, tried - len(survivors), untried, survivors)
