"""Run more replicas of the target, or fewer: what `kubectl scale` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.targets.base.capabilities import Scalable

if TYPE_CHECKING:
    from leakdrill.scenario.actions import Scale
    from leakdrill.steps.context import StepContext

NEEDS: Final = (Scalable,)


def act(action: Scale, context: StepContext) -> dict[str, str]:
    """Changes the number of replicas, and returns when they serve.

    Raises:
        LeakdrillError: when this kind of target has no replicas, or they did not come up.
    """
    context.require(Scalable).scale(action.replicas)
    return {"replicas": str(action.replicas)}
