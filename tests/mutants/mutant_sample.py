"""A part of the mutants that stands for all: of each module its share."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from math import floor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mutated_copy import Mutant


def sample(mutants: list[Mutant], size: int) -> list[Mutant]:
    """About `size` of `mutants`, or all of them where `size` is 0 or more than there are.

    The order is that of a hash of the key, so that the same mutants are chosen again after a change elsewhere.
    """
    if not 0 < size < len(mutants):
        return mutants
    by_module: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        by_module[mutant.module].append(mutant)
    return [one for module, ones in by_module.items() for one in _chosen(module, ones, size / len(mutants))]


def _chosen(module: str, mutants: list[Mutant], share: float) -> list[Mutant]:
    wanted = share * len(mutants)
    number = floor(wanted) + (_random(f"more of {module}?") < wanted - floor(wanted))
    return sorted(sorted(mutants, key=lambda one: _random(one.key))[:number], key=lambda one: one.key)


def _random(word: str) -> float:
    """A number from 0 to 1 that is always the same for `word`."""
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:6]) / 2**48
