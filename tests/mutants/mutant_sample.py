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

    They are chosen by a hash of the key, so that they are the same again after a change elsewhere, and come in its
    order: those that were tried when a run broke off are a sample, too.
    """
    if not 0 < size < len(mutants):
        return sorted(mutants, key=_rank)
    by_module: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        by_module[mutant.module].append(mutant)
    chosen = [one for module, ones in by_module.items() for one in _chosen(module, ones, size / len(mutants))]
    return sorted(chosen, key=_rank)


def _chosen(module: str, mutants: list[Mutant], share: float) -> list[Mutant]:
    wanted = share * len(mutants)
    number = floor(wanted) + (_random(f"more of {module}?") < wanted - floor(wanted))
    return sorted(mutants, key=_rank)[:number]


def _rank(mutant: Mutant) -> float:
    return _random(mutant.key)


def _random(word: str) -> float:
    """A number from 0 to 1 that is always the same for `word`."""
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:6]) / 2**48
