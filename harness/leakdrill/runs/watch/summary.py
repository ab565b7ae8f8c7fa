"""The summary on standard error when a watched command has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from leakdrill.judging.watch.memory_split import Owners, attempts, readings
from leakdrill.printable import printable
from leakdrill.units import show_duration, show_size

if TYPE_CHECKING:
    from rich.console import Console

    from leakdrill.judging.watch.memory_split import By
    from leakdrill.judging.watch.plan import WatchPlan
    from leakdrill.record.history import History

_MOST_ROWS = 8


def print_split(history: History, plan: WatchPlan, console: Console) -> None:
    """Print whose the memory was in the last attempt: by program, and by phase where the plan names phases."""
    tries = attempts(history)
    memory = readings(history, tries[-1]) if tries else []
    if not memory:
        return
    owners = Owners(history)
    by: tuple[By, ...] = ("program", "phase") if plan.phases else ("program",)
    for kind in by:
        table = Table(kind, "at the peak", "its own peak", "area", "from", "to", box=None, padding=(0, 2, 0, 0))
        parts = owners.parts(memory, kind, tries[-1].start_s)
        for part in parts[:_MOST_ROWS]:
            table.add_row(
                Text(printable(part.name)),
                show_size(part.at_peak_bytes),
                show_size(part.peak_bytes),
                f"{show_size(part.area_byte_s)}·s",
                show_duration(part.start_s),
                show_duration(part.end_s),
            )
        console.print(table)
        if len(parts) > _MOST_ROWS:
            console.print(f"and {len(parts) - _MOST_ROWS} more")
