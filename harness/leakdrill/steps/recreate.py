"""Put other containers in the target's place, with other limits: what a changed compose file and `up` do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.errors import LeakdrillError
from leakdrill.steps.failure import StepFailed
from leakdrill.targets.base.capabilities import Recreatable
from leakdrill.targets.kinds import capability
from leakdrill.units import show_size

if TYPE_CHECKING:
    from leakdrill.scenario.actions import Recreate
    from leakdrill.targets.base.capabilities import Target


def recreate(action: Recreate, target: Target) -> dict[str, str]:
    """Do it, and return when they are ready. They go with the target, so there is nothing to undo.

    Raises:
        StepFailed: when this kind of target cannot be recreated, or did not come back.
    """
    try:
        capability(target, Recreatable, step="recreate").recreate(memory_bytes=action.memory, cpus=action.cpus)
    except LeakdrillError as e:
        raise StepFailed(str(e)) from e
    facts = {"memory": show_size(action.memory)} if action.memory is not None else {}
    return facts | ({"cpus": f"{action.cpus:g}"} if action.cpus is not None else {})
