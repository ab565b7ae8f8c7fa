"""Delete pods of the target and see others come: the bluntest cure where there are several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.targets.base.capabilities import SelfReplacing

if TYPE_CHECKING:
    from leakdrill.scenario.actions import DeletePod
    from leakdrill.steps.context import StepContext

NEEDS: Final = (SelfReplacing,)


def act(action: DeletePod, context: StepContext) -> dict[str, str]:
    """Deletes the pods, and returns when others serve in their place.

    Raises:
        LeakdrillError: when this kind of target has no pods, or the others did not come up.
    """
    return {"pods": " ".join(context.require(SelfReplacing).delete_replicas(action.which))}
