"""Prints where a drill's wall time went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.units import show_duration, show_share

if TYPE_CHECKING:
    from rich.console import Console

    from leakdrill.judging.time_budget import TimeBudget


def print_budget(budget: TimeBudget, console: Console) -> None:
    """One line: what had to be waited for, the sum, the total, and what the harness added."""
    parts = ", ".join(f"{name} {show_duration(seconds)}" for name, seconds in budget.parts.items())
    console.print(
        f"time: {show_duration(budget.total_s)}; needed {show_duration(budget.needed_s)} ({parts}); "
        f"the harness added {show_share(budget.overhead)}",
        markup=False,
        highlight=False,
    )
