"""How many mutants of each module were killed, and which live."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mutant_results import Results
    from mutated_copy import Mutant


@dataclass(frozen=True, slots=True)
class Score:
    """One module's mutants, as far as they were chosen.

    Attributes:
        module: dotted, below `leakdrill`.
        tried: how many have a result.
        killed: how many made a test fail, or never end.
        endless: those of the killed whose tests did not end.
        untried: how many have no result yet.
        survivors: what those change that no test noticed, or that no test reaches.
    """

    module: str
    tried: int
    killed: int
    endless: int
    untried: int
    survivors: tuple[str, ...]


def scores(mutants: list[Mutant], results: Results) -> list[Score]:
    """The score of every module of `mutants`, by name."""
    by_module: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        by_module.setdefault(mutant.module, []).append(mutant)
    return [_score(module, ones, results) for module, ones in sorted(by_module.items())]


def _score(module: str, mutants: list[Mutant], results: Results) -> Score:
    found = [(mutant, result) for mutant in mutants if (result := results.last(mutant))]
    killed = [result for _, result in found if result.is_killed]
    return Score(
        module=module.removeprefix("leakdrill."),
        tried=len(found),
        killed=len(killed),
        endless=sum(result.outcome == "endless" for result in killed),
        untried=len(mutants) - len(found),
        survivors=tuple(mutant.says for mutant, result in found if not result.is_killed),
    )


def interval(killed: int, tried: int) -> tuple[float, float]:
    """Wilson's interval of 95 % for the part of all mutants that would be killed (E. B. Wilson, 1927)."""
    z, part = 1.959964, killed / tried
    middle = part + z * z / (2 * tried)
    half = z * sqrt(part * (1 - part) / tried + z * z / (4 * tried * tried))
    scale = 1 + z * z / tried
    return (middle - half) / scale, (middle + half) / scale
