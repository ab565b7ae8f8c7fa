"""Let the platform choose how many replicas of the target run: what `kubectl autoscale` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.errors import LeakdrillError
from leakdrill.steps.failure import StepFailed
from leakdrill.targets.base.capabilities import Autoscalable
from leakdrill.targets.kinds import capability

if TYPE_CHECKING:
    from leakdrill.scenario.actions import Autoscale
    from leakdrill.targets.base.capabilities import Target


def autoscale(action: Autoscale, target: Target) -> dict[str, str]:
    """Apply the autoscaler, and say what it can go by. The target takes it away again, or it goes with the target.

    Raises:
        StepFailed: when this kind of target cannot be scaled by its platform, or the platform refuses.
    """
    try:
        remarks = capability(target, Autoscalable, step="autoscale").autoscale(
            least=action.min, most=action.max, cpu=action.cpu, memory=action.memory
        )
    except LeakdrillError as e:
        raise StepFailed(str(e)) from e
    facts = {"replicas": f"{action.min} to {action.max}"}
    return facts | ({"remark": "; ".join(remarks)} if remarks else {})
