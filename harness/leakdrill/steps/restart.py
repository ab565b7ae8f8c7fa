"""Stop the target and start it again: the bluntest cure, and often the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.errors import TargetNotReady
from leakdrill.steps.failure import StepFailed
from leakdrill.targets.base.capabilities import Restartable

if TYPE_CHECKING:
    from leakdrill.scenario.actions import Restart
    from leakdrill.steps.context import StepContext

NEEDS: Final = (Restartable,)


def act(action: Restart, context: StepContext) -> dict[str, str]:  # noqa: ARG001 - a restart has no keys
    """Restarts the target in place, and returns when it is ready again.

    Raises:
        StepFailed: when it did not come back.
        LeakdrillError: when this kind of target cannot be restarted, or could not be ended.
    """
    try:
        context.require(Restartable).restart()
    except TargetNotReady as e:
        raise StepFailed(f"target '{context.target.name}' was restarted and did not come back: {e}") from e
    return {}
