"""Let the platform choose how many replicas of the target run: what `kubectl autoscale` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.targets.base.capabilities import Autoscalable

if TYPE_CHECKING:
    from leakdrill.scenario.actions import Autoscale
    from leakdrill.steps.context import StepContext

NEEDS: Final = (Autoscalable,)


def act(action: Autoscale, context: StepContext) -> dict[str, str]:
    """Applies the autoscaler; the remarks say what it can go by.

    Raises:
        LeakdrillError: when this kind of target cannot be scaled by its platform, or the platform refuses.
    """
    remarks = context.require(Autoscalable).autoscale(
        least=action.min, most=action.max, cpu=action.cpu, memory=action.memory
    )
    facts = {"replicas": f"{action.min} to {action.max}"}
    return facts | ({"remark": "; ".join(remarks)} if remarks else {})
