"""Takes a run into the baseline file: what `--update` does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from leakdrill.errors import BadInput
from leakdrill.judging.watch.budgets import highest_bytes
from leakdrill.judging.watch.memory_split import Owners, area_byte_s, attempts, peak, readings
from leakdrill.judging.watch.watch_baseline import BaselineRun, accept, read_baseline, write_baseline
from leakdrill.record.verdict import Outcome, worst

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leakdrill.judging.watch.plan import WatchPlan
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict

_MOST_PROGRAMS = 10


def measured_run(history: History) -> BaselineRun | None:
    """The last attempt of a watched run as a baseline keeps it; None when nothing was read."""
    tries = attempts(history)
    memory = readings(history, tries[-1]) if tries else []
    highest = highest_bytes(history, tries[-1]) if tries else 0.0
    if not highest:
        return None
    top = peak(memory)
    shares = list(Owners(history).shares(top).items())[:_MOST_PROGRAMS] if top else []
    return BaselineRun(
        started=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        mode=tries[-1].mode,
        peak_bytes=round(highest),
        area_byte_s=round(area_byte_s(memory)),
        duration_s=round(tries[-1].duration_s, 2),
        programs={name: round(held) for name, held in shares if held},
    )


def update_baseline(path: Path, plan: WatchPlan, history: History, verdicts: Sequence[Verdict]) -> str:
    """Take the run into the file at `path` if all its claims hold; a sentence about what was done.

    Raises:
        BadInput: when the file is there and is no baseline, or cannot be written.
    """
    run = measured_run(history)
    if run is None or worst(verdicts) is not Outcome.PASS:
        return f"{path} was not updated: only a run whose claims all hold is taken into a baseline"
    old = read_baseline(path) if path.exists() else None
    baseline, dropped = accept(old, run, command=plan.command, machine=plan.machine, tolerance=plan.tolerance)
    write_baseline(path, baseline)
    sentence = f"{path} now holds {len(baseline.runs)} run{'s' if len(baseline.runs) > 1 else ''}"
    return f"{sentence}; the earlier ones were dropped: {dropped}" if dropped else sentence


def check_updatable(path: Path, plan: WatchPlan) -> None:
    """Refuse to write over the baseline of another command.

    Raises:
        BadInput: when `path` holds one, or is no baseline.
    """
    if path.exists() and not read_baseline(path).is_of(plan.command):
        raise BadInput(
            f"--baseline {path}: holds another command's runs; expected those of `{plan.command_line}`",
            hint="name another file, or remove this one if the command has changed for good",
        )
