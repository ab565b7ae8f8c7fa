"""A cell with what was declared and what was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leakdrill.errors import LeakdrillError
from leakdrill.judging.matrix_cell import Finding, judge_cell
from leakdrill.record.history import read_history
from leakdrill.record.seal import check_seal
from leakdrill.record.signature import users_key
from leakdrill.record.store import RunFolder
from leakdrill.record.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.runs.catalogue.drill_result import DrillResult
    from leakdrill.runs.catalogue.matrix_plan import Cell


@dataclass(frozen=True, slots=True)
class CellResult:
    """One cell that was run, or should have been."""

    cell: Cell
    finding: Finding
    record: str | None

    @property
    def outcome(self) -> Outcome:
        """PASS as declared, FAIL otherwise, UNKNOWN when it could not be measured."""
        if self.finding.effect is None:
            return Outcome.UNKNOWN
        return Outcome.PASS if self.finding.effect == self.cell.declared else Outcome.FAIL

    def as_dict(self) -> dict[str, Any]:
        """The same facts for machines."""
        return {
            "service": self.cell.service,
            "leak": self.cell.leak,
            "step": self.cell.step,
            "declared": self.cell.declared,
            "outcome": str(self.outcome),
            **self.finding.as_dict(),
            "record": self.record,
        }


def cell_result(cell: Cell, drill: DrillResult | None) -> CellResult:
    """Returns what the finished `drill` says of `cell`; None when it was never begun."""
    if drill is None:
        return CellResult(cell, Finding(effect=None, reason="its drill was not begun"), None)
    record = str(drill.folder) if drill.folder else None
    if drill.folder is None or drill.interrupted or drill.exit_code not in (0, 1, 2):
        return CellResult(cell, Finding(effect=None, reason=drill.sentence), record)
    try:
        fault = check_seal(RunFolder(drill.folder), key=users_key()).fault
        history = read_history(drill.folder / "history.jsonl")
    except LeakdrillError as e:
        return CellResult(cell, Finding(effect=None, reason=e.message), record)
    if fault:
        return CellResult(cell, Finding(effect=None, reason=fault), record)
    return CellResult(cell, judge_cell(history, cell.scenario), record)


def overall(results: Sequence[CellResult]) -> Outcome:
    """The worst: FAIL before UNKNOWN before PASS; UNKNOWN when there is none."""
    outcomes = [result.outcome for result in results] or [Outcome.UNKNOWN]
    return max(outcomes, key=lambda outcome: outcome.severity)
