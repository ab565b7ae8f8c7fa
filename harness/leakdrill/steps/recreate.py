"""Put other containers in the target's place, with other limits: what a changed compose file and `up` do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.targets.base.capabilities import Recreatable
from leakdrill.units import show_size

if TYPE_CHECKING:
    from leakdrill.scenario.actions import Recreate
    from leakdrill.steps.context import StepContext

NEEDS: Final = (Recreatable,)


def act(action: Recreate, context: StepContext) -> dict[str, str]:
    """Recreates the containers, and returns when they are ready.

    Raises:
        LeakdrillError: when this kind of target cannot be recreated, or did not come back.
    """
    context.require(Recreatable).recreate(memory_bytes=action.memory, cpus=action.cpus)
    facts = {"memory": show_size(action.memory)} if action.memory is not None else {}
    return facts | ({"cpus": f"{action.cpus:g}"} if action.cpus is not None else {})
