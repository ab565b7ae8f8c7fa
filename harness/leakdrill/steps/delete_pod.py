"""Delete pods of the target and see others come: the bluntest cure where there are several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.errors import LeakdrillError
from leakdrill.steps.failure import StepFailed
from leakdrill.targets.base.capabilities import SelfReplacing
from leakdrill.targets.kinds import capability

if TYPE_CHECKING:
    from leakdrill.scenario.actions import DeletePod
    from leakdrill.targets.base.capabilities import Target


def delete_pod(action: DeletePod, target: Target) -> dict[str, str]:
    """Delete the pods, and return when others serve in their place. It cannot be undone.

    Raises:
        StepFailed: when this kind of target has no pods, or the others did not come up.
    """
    try:
        deleted = capability(target, SelfReplacing, step="delete_pod").delete_replicas(action.which)
    except LeakdrillError as e:
        raise StepFailed(str(e)) from e
    return {"pods": " ".join(deleted)}
