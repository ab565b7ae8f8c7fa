"""Changes that take an earlier one back: a scale after a scale of the same workload, where it goes the other way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.scenario.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.scenario.rehearsal import RehearsedStep
    from leakdrill.scenario.steps import Step

NO_EFFECT: Final = Seen.model_validate({"nothing": True, "within": "100ms"})
"""What a look, and what takes a change back, must show of a metric."""


@dataclass(frozen=True)
class PlannedStep:
    """A command that is carried out: as the drill's step, and as what it is in the runbook."""

    step: Step
    rehearsed: RehearsedStep


def taking_back(steps: Sequence[PlannedStep]) -> list[PlannedStep]:
    """`steps`, where a change knows which earlier one of its subject it takes back.

    One that goes on the same way, or says the same again, takes nothing back: what takes the first one back takes it
    back too.
    """
    open_changes: dict[str, PlannedStep] = {}
    linked = []
    for planned in steps:
        subject = planned.rehearsed.subject
        first = open_changes.get(subject) if subject else None
        if first is None:
            if subject:
                open_changes[subject] = planned
            linked.append(planned)
        elif _goes_on(first.step, planned.step):
            linked.append(PlannedStep(planned.step, planned.rehearsed.model_copy(update={"undo": None})))
        else:
            del open_changes[subject]
            back = planned.rehearsed.model_copy(update={"takes_back": first.rehearsed.name, "undo": None})
            linked.append(PlannedStep(planned.step.model_copy(update={"seen": NO_EFFECT}), back))
    return linked


def _goes_on(first: Step, later: Step) -> bool:
    """Whether `later` changes the subject of `first` no less than `first` did, and not back."""
    if first.scale is not None and later.scale is not None:
        return later.scale.replicas >= first.scale.replicas
    if first.set_limits is not None and later.set_limits is not None:
        pairs = [
            (getattr(first.set_limits, key), getattr(later.set_limits, key)) for key in ("memory", "cpus", "cpu_shares")
        ]
        both = [(before, after) for before, after in pairs if before is not None and after is not None]
        return bool(both) and all(after >= before for before, after in both)
    return first.action == later.action
