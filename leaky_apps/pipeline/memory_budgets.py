"""The memory budget of each component, and its use: which one is at fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MIB = 1 << 20


@dataclass(slots=True)
class Budget:
    """One component's.

    Attributes:
        held_bytes: reads what it holds.
        budget_bytes: what it may hold.
    """

    held_bytes: Callable[[], int]
    budget_bytes: int


class MemoryBudgets:
    """The budgets of `transcripts`, `graph` and `caches`."""

    def __init__(self, *, transcripts: Callable[[], int], graph: Callable[[], int], caches: Callable[[], int]) -> None:
        self.components: Mapping[str, Budget] = {
            "transcripts": Budget(transcripts, 32 * _MIB),
            "graph": Budget(graph, 16 * _MIB),
            "caches": Budget(caches, 32 * _MIB),
        }

    def show(self) -> dict[str, dict[str, object]]:
        """By component: what it holds, what it may, and whether that is over."""
        return {name: _show(budget) for name, budget in self.components.items()}


def _show(budget: Budget) -> dict[str, object]:
    held = budget.held_bytes()
    return {"held_bytes": held, "budget_bytes": budget.budget_bytes, "over": held > budget.budget_bytes}
