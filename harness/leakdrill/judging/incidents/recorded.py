"""A stored run as documents are filled from it: its plan, its events, and the verdicts on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from leakdrill.judging.evidence.rehearsed import over_s
from leakdrill.judging.evidence.windows import step_runs, watched_until_s
from leakdrill.record.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.judging.evidence.windows import StepRun
    from leakdrill.record.history import History
    from leakdrill.record.store import RunInfo
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.rehearsal import Rehearsal
    from leakdrill.scenario.scenario import Scenario

_LOOKS = ("nothing", "stays_within")


@dataclass(frozen=True, slots=True, eq=False)
class RecordedRun:
    """One run: the plan of `run.json`, what happened, and how it was judged."""

    info: RunInfo
    history: History
    verdicts: Sequence[Verdict]

    @property
    def scenario(self) -> Scenario:
        """The drill that was played."""
        return self.info.scenario

    @property
    def rehearsal(self) -> Rehearsal | None:
        """The way through a runbook that its steps are; None for a drill with steps of its own."""
        return self.info.rehearsal

    def at(self, t_s: float) -> str:
        """The moment `t_s` seconds after the start, in UTC to the second."""
        return (self.info.started + timedelta(seconds=t_s)).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

    def until_s(self) -> float | None:
        """When the steps were over and the alert had to be clear: for a drill, the end of what was watched."""
        return over_s(self.history) if self.rehearsal is not None else watched_until_s(self.history)

    def verdict(self, check: str, subject: str | None = None) -> Verdict | None:
        """The verdict on a claim, and on its subject where one is given; None where there is none."""
        found = (v for v in self.verdicts if v.check == check and subject in (None, v.subject))
        return next(found, None)

    def changes(self) -> list[tuple[str, StepRun]]:
        """The changes that were carried out, in order: how each is written, and when."""
        written = {}
        if self.rehearsal is not None:
            written = {step.name: step.text for step in self.rehearsal.steps if step.changes}
        else:
            effects = {step.name: step.seen.effect if step.seen else "" for step in self.scenario.steps}
            written = {name: name for name, effect in effects.items() if effect not in _LOOKS}
        return [(written[run.act.name], run) for run in step_runs(self.history) if run.act.name in written]

    def worked(self, run: StepRun) -> bool:
        """Whether the metric followed a change, as `step_works` judges it."""
        verdict = self.verdict("step_works", run.act.name)
        return verdict is not None and verdict.outcome is Outcome.PASS
