"""The result of one drill of many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import BadInput
from leakdrill.record.seal import check_seal
from leakdrill.record.signature import users_key
from leakdrill.record.store import RunFolder
from leakdrill.record.verdict import Outcome, Verdict, worst
from leakdrill.record.verdict_file import read_verdicts

if TYPE_CHECKING:
    from pathlib import Path

INTERRUPTED: Final = 130

_OF_EXIT: Final = {outcome.exit_code: outcome for outcome in Outcome}


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillResult:
    """One finished drill.

    Attributes:
        name: of the scenario.
        exit_code: of `leakdrill run`; negative when a signal ended it.
        seconds: from its start to its end.
        budget_s: the most that its plan allows.
        folder: its record; None when there is none.
        verdicts: empty when the drill did not come to them.
        trouble: its last message, when it did not end with verdicts.
    """

    name: str
    exit_code: int
    seconds: float
    budget_s: float
    folder: Path | None
    verdicts: tuple[Verdict, ...]
    trouble: str

    @property
    def outcome(self) -> Outcome:
        """PASS, FAIL or UNKNOWN; a drill that broke proves nothing and is UNKNOWN."""
        by_exit_code = _OF_EXIT.get(self.exit_code, Outcome.UNKNOWN)
        return by_exit_code if by_exit_code is worst(self.verdicts) else Outcome.UNKNOWN

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped before its end."""
        return self.exit_code == INTERRUPTED or self.exit_code < 0

    @property
    def sentence(self) -> str:
        """The worst verdict's sentence; for a drill without verdicts, its last message."""
        if self.interrupted:
            return "was stopped before its end"
        if self.trouble or not self.verdicts:
            return self.trouble or "ended without a verdict"
        if self.outcome is Outcome.PASS:
            count = len(self.verdicts)
            return f"all {count} claims hold" if count > 1 else "the one claim holds"
        first = max(self.verdicts, key=lambda verdict: verdict.outcome.severity)
        return first.message

    def as_dict(self) -> dict[str, Any]:
        """The same facts for machines."""
        return {
            "scenario": self.name,
            "outcome": str(self.outcome),
            "exit_code": self.exit_code,
            "sentence": self.sentence,
            "seconds": round(self.seconds, 1),
            "budget_s": round(self.budget_s, 1),
            "record": str(self.folder) if self.folder else None,
        }


def verdicts_in(folder: Path | None) -> tuple[Verdict, ...]:
    """The verdicts of the record in `folder`; none when it has none that can be read, or is not as the run wrote it."""
    if folder is None:
        return ()
    try:
        if check_seal(RunFolder(folder), key=users_key()).fault:
            return ()
        return read_verdicts(folder / "verdicts.json").verdicts
    except BadInput:
        return ()


def overall(results: list[DrillResult]) -> Outcome:
    """The worst outcome: FAIL before UNKNOWN before PASS; UNKNOWN when nothing was run."""
    outcomes = [result.outcome for result in results] or [Outcome.UNKNOWN]
    return max(outcomes, key=lambda outcome: outcome.severity)
