"""Prints where a drill's wall time went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.units import show_duration, show_share

if TYPE_CHECKING:
    from rich.console import Console

    from leakdrill.judging.time_budget import TimeBudget


def print_budget(budget: TimeBudget, console: Console, *, wall_s: float | None = None) -> None:
    """One line: the whole time, the drill's, what had to be waited for in it, and what the harness added.

    Args:
        budget: of the drill, from its first event to its last.
        console: where to.
        wall_s: seconds of the command, with the start before the first event and the undo and judging after the last.
    """
    parts = ", ".join(f"{name} {show_duration(seconds)}" for name, seconds in budget.parts.items())
    whole = "" if wall_s is None else f"{show_duration(wall_s)} with start, undo and judging; the drill itself "
    console.print(
        f"time: {whole}{show_duration(budget.total_s)}; needed {show_duration(budget.needed_s)} ({parts}); "
        f"the harness added {show_share(budget.overhead)}",
        markup=False,
        highlight=False,
    )
