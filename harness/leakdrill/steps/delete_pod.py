"""Delete pods of the target and see others come: the bluntest cure where there are several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.errors import LeakdrillError
from leakdrill.steps.failure import StepFailed
from leakdrill.targets.capabilities import Scalable

if TYPE_CHECKING:
    from leakdrill.scenario.actions import DeletePod
    from leakdrill.targets.capabilities import Target


def delete_pod(action: DeletePod, target: Target) -> dict[str, str]:
    """Delete the pods, and return when others serve in their place. It cannot be undone.

    Raises:
        StepFailed: when this kind of target has no pods, or the others did not come up.
    """
    if not isinstance(target, Scalable):
        raise StepFailed(f"target '{target.name}' ({type(target).__name__}) has no pods")
    try:
        deleted = target.delete_replicas(action.which)
    except LeakdrillError as e:
        raise StepFailed(str(e)) from e
    return {"pods": " ".join(deleted)}
