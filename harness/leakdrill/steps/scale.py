"""Run more replicas of the target, or fewer: what `kubectl scale` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.errors import LeakdrillError
from leakdrill.steps.failure import StepFailed
from leakdrill.targets.base.capabilities import Scalable
from leakdrill.targets.kinds import capability

if TYPE_CHECKING:
    from leakdrill.scenario.actions import Scale
    from leakdrill.targets.base.capabilities import Target


def scale(action: Scale, target: Target) -> dict[str, str]:
    """Have so many replicas, and return when they serve. The target puts the number back, or goes with it.

    Raises:
        StepFailed: when this kind of target has no replicas, or they did not come up.
    """
    try:
        capability(target, Scalable, step="scale").scale(action.replicas)
    except LeakdrillError as e:
        raise StepFailed(str(e)) from e
    return {"replicas": str(action.replicas)}
