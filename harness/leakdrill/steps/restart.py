"""Stop the target and start it again: the bluntest cure, and often the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.errors import LeakdrillError, TargetNotReady
from leakdrill.steps.failure import StepFailed
from leakdrill.targets.base.capabilities import Restartable
from leakdrill.targets.kinds import capability

if TYPE_CHECKING:
    from leakdrill.targets.base.capabilities import Target


def restart(target: Target) -> dict[str, str]:
    """Restart the target in place, and return when it is ready again. A restart needs no undo.

    Raises:
        StepFailed: when this kind of target cannot be restarted, could not be ended, or did not come back.
    """
    try:
        capability(target, Restartable, step="restart").restart()
    except TargetNotReady as e:
        raise StepFailed(f"target '{target.name}' was restarted and did not come back: {e}") from e
    except LeakdrillError as e:
        raise StepFailed(str(e)) from e
    return {}
