"""The verdicts on a rehearsal: those of the drill that it is, and those on its runbook."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from leakdrill.judging import drill
from leakdrill.judging.checks.return_to_baseline import RETURNS
from leakdrill.judging.checks.runbook import LEAVES_NOTHING, RELIEVES
from leakdrill.judging.checks.runbook_looks import ANSWERS, SHOWS
from leakdrill.judging.checks.torch_memory import TORCH_RETURNS
from leakdrill.judging.evidence.check import Check, judge_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.judging.evidence.rehearsed import Rehearsed
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict

CHECKS: Final[tuple[tuple[Check[Rehearsed], ...], ...]] = ((ANSWERS, SHOWS), (RELIEVES,), (LEAVES_NOTHING,))
"""What is asked of a runbook, beside what is asked of every drill."""
_OF_DRILL: Final = tuple(row for row in drill.CHECKS if row not in ((RETURNS,), (TORCH_RETURNS,)))
"""A runbook relieves and mends no bug: the leak goes on until it is over, so that nothing is back at its baseline."""


def judge_rehearsal(
    history: History, plan: Rehearsed, machine: Mapping[str, str | int] = MappingProxyType({})
) -> list[Verdict]:
    """One verdict for each claim: of the drill with the changes that were made, and of the runbook. Never raises."""
    carried_out = plan.carried_out(history)
    return drill.judge(history, carried_out, machine, claims=lambda part: judge_rehearsed(part, plan))


def judge_rehearsed(history: History, plan: Rehearsed) -> list[Verdict]:
    """The verdicts as if every line of `history` were true."""
    return [*judge_all(_OF_DRILL, history, plan.changes(history)), *judge_all(CHECKS, history, plan)]
