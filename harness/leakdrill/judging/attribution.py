"""A failure is attributed to the service only while it was watched.

A FAIL that rests on what followed the loss of that is UNKNOWN, with the reason.

What had failed before stays a FAIL, and is told as it was seen then: the record up to the loss is judged by the same
checks. A step that was under way at that moment had not shown yet what it does, so that record ends before it.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from typing import TYPE_CHECKING

from leakdrill.judging.checks.requests import AFTER_STEP_S
from leakdrill.judging.evidence.windows import step_runs
from leakdrill.record.history import History
from leakdrill.record.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leakdrill.judging.evidence.trouble import Trouble
    from leakdrill.record.verdict import Verdict

_Key = tuple[str, str]


class Attribution:
    """Tells what had failed by itself from what failed after a trouble.

    Args:
        history: of the whole drill.
        judged: the verdicts that a history gets, whatever caused them.
    """

    def __init__(self, history: History, judged: Callable[[History], Sequence[Verdict]]) -> None:
        self._history = history
        self._judged = judged
        self._before: dict[float, dict[_Key, Verdict]] = {}

    def excused(self, verdict: Verdict, troubles: Sequence[Trouble], *, hint: str) -> Verdict:
        """`verdict`; where it is a FAIL and one of `troubles` excuses, what was seen before the first of them."""
        excuses = [trouble for trouble in troubles if trouble.excuses]
        if verdict.outcome is not Outcome.FAIL or not excuses:
            return verdict
        first = min(excuses, key=lambda trouble: trouble.at_s)
        earlier = self._judged_before(first.at_s).get((verdict.check, verdict.subject))
        if earlier is not None and earlier.outcome is Outcome.FAIL:
            return earlier
        return replace(
            verdict,
            outcome=Outcome.UNKNOWN,
            message=f"{verdict.message}; this is not laid on the service, because {first.text}",
            events=tuple(sorted({*verdict.events, *first.events})),
            hint=hint,
        )

    def _judged_before(self, at_s: float) -> dict[_Key, Verdict]:
        if at_s not in self._before:
            verdicts = self._judged(_until(self._history, at_s))
            self._before[at_s] = {(verdict.check, verdict.subject): verdict for verdict in verdicts}
        return self._before[at_s]


def _until(history: History, at_s: float) -> History:
    """The record of what was written before `at_s`, and before a step that was carried out or felt at that moment."""
    open_steps = [run.start_s for run in step_runs(history) if run.start_s < at_s < run.end_s + AFTER_STEP_S]
    until_s = min([at_s, *open_steps])
    return History(history.events[: bisect_left(history.events, until_s, key=lambda event: event.t)])
