"""Rehearsals from their files to their results: one drill for each option, and one for each change left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leakdrill.judging.evidence.rehearsed import Rehearsed, run_of, skipped_steps
from leakdrill.judging.rehearsal_control import needed
from leakdrill.judging.rehearsal_facts import rehearsal_facts
from leakdrill.record.history import read_history
from leakdrill.runs.drill.run import play
from leakdrill.scenario.rehearsal import CLEARED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from leakdrill.judging.rehearsal_facts import RunbookFacts
    from leakdrill.record.verdict import Verdict
    from leakdrill.runs.rehearsal.prepared import Prepared
    from leakdrill.runs.session import FinishedRun


@dataclass(frozen=True)
class RehearsalResult:
    """One rehearsal that is over."""

    prepared: Prepared
    done: FinishedRun
    facts: RunbookFacts
    verdicts: list[Verdict]
    """Those of its record, and with control runs one more for each change."""


def rehearse(
    ways: Sequence[Prepared],
    scenario_file: Path,
    *,
    runs: Path,
    console: Console,
    allow: str | None = None,
    control: bool = False,
) -> list[RehearsalResult]:
    """Play each of `ways`, and with `control` each that relieves again for every change, which is left out then.

    Raises:
        LeakdrillError: what ended one of them before its time; the others are not begun then.
    """
    results = []
    for way in ways:
        result = _played(way, scenario_file, runs=runs, console=console, allow=allow)
        results.append(_controlled(result, scenario_file, runs, console, allow) if control else result)
    return results


def _controlled(
    result: RehearsalResult, scenario_file: Path, runs: Path, console: Console, allow: str | None
) -> RehearsalResult:
    verdicts = list(result.verdicts)
    prepared, history = result.prepared, read_history(result.done.folder.history)
    unneeded = [name for name, why in skipped_steps(history).items() if why == CLEARED]
    for step in prepared.relieving():
        if run_of(history, step.name) is not None:
            without = prepared.without(step.name, unneeded=unneeded)
            relieves = result.facts.outcome == "PASS"
            other = _played(without, scenario_file, runs=runs, console=console, allow=allow) if relieves else None
            verdicts.append(needed(step, result.facts, other.facts if other else None))
    return RehearsalResult(result.prepared, result.done, result.facts, verdicts)


def _played(
    prepared: Prepared, scenario_file: Path, *, runs: Path, console: Console, allow: str | None
) -> RehearsalResult:
    done = play(prepared.scenario, scenario_file, runs=runs, console=console, allow=allow, rehearsal=prepared.rehearsal)
    if done.error is not None:
        console.print(f"record: {done.folder.path}", markup=False, soft_wrap=True)
        raise done.error
    plan = Rehearsed(prepared.scenario, prepared.rehearsal)
    facts = rehearsal_facts(read_history(done.folder.history), plan, done.verdicts)
    return RehearsalResult(prepared, done, facts, list(done.verdicts))
