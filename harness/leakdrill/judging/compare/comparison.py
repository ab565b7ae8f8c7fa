"""The comparison of two runs of one scenario: claims, numbers and phases, each better, worse or not distinguishable."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from leakdrill.errors import BadInput
from leakdrill.judging.compare.difference import Difference, Word
from leakdrill.judging.compare.numbers import ClaimChange, claim_changes, number_differences
from leakdrill.judging.compare.phases import AlignedPhase, aligned_phases, phase_differences
from leakdrill.judging.compare.plan_changes import PlanChange, plan_changes
from leakdrill.judging.compare.refusal import refusal

if TYPE_CHECKING:
    from leakdrill.judging.compare.stored_run import StoredRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs between two runs; `after` is better or worse than `before`.

    Attributes:
        name: of the scenario, or the command line.
        kind: `drill`, `rehearsal`, `gate` or `watch`.
        before: the folder of the first run.
        after: the folder of the second run.
        claims: a row for each claim that either run makes.
        numbers: the numbers of the verdicts.
        phases: of drills and rehearsals, what was read in each phase.
        aligned: where each phase lies in both runs.
        plan: what was changed between the two in what was asked for.
        machine: what the two machines differ in.
    """

    name: str
    kind: str
    before: str
    after: str
    claims: tuple[ClaimChange, ...]
    numbers: tuple[Difference, ...]
    phases: tuple[Difference, ...]
    aligned: tuple[AlignedPhase, ...]
    plan: tuple[PlanChange, ...]
    machine: tuple[PlanChange, ...]

    @property
    def word(self) -> Word:
        """The worst word of a claim or a number: worse before better. What was read in the phases does not count."""
        words = {row.word for row in self.claims} | {row.word for row in self.numbers}
        return next((word for word in (Word.WORSE, Word.BETTER) if word in words), Word.NOT_DISTINGUISHABLE)

    @property
    def exit_code(self) -> int:
        """1 when something is worse, otherwise 0."""
        return int(self.word is Word.WORSE)

    def as_dict(self) -> dict[str, Any]:
        """The same facts for machines."""
        return {"word": str(self.word), "exit_code": self.exit_code, **asdict(self)}


def compare(before: StoredRun, after: StoredRun) -> Comparison:
    """Compare two runs.

    Raises:
        BadInput: when they cannot be compared; it says why.
    """
    reason = refusal(before, after)
    if reason:
        raise BadInput(f"the two runs cannot be compared: {reason}")
    has_phases = before.kind in ("drill", "rehearsal")
    return Comparison(
        name=before.name,
        kind=before.kind,
        before=before.place,
        after=after.place,
        claims=tuple(claim_changes(before.verdicts, after.verdicts)),
        numbers=tuple(number_differences(before.verdicts, after.verdicts)),
        phases=tuple(phase_differences(before, after)) if has_phases else (),
        aligned=tuple(aligned_phases(before.history, after.history)) if has_phases else (),
        plan=tuple(plan_changes(before.asked, after.asked)),
        machine=tuple(plan_changes(before.machine, after.machine)),
    )
