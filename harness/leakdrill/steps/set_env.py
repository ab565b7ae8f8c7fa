"""Restart the target with other environment variables: a changed setting, rolled out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.errors import LeakdrillError, TargetNotReady
from leakdrill.steps.failure import StepFailed
from leakdrill.targets.base.capabilities import Configurable
from leakdrill.targets.kinds import capability

if TYPE_CHECKING:
    from leakdrill.scenario.actions import SetEnv
    from leakdrill.targets.base.capabilities import Target


def set_env(action: SetEnv, target: Target) -> dict[str, str]:
    """Restart it with the variables, and return when it is ready. They end with the target, so nothing is undone.

    Raises:
        StepFailed: when this kind of target cannot be given them, or did not come back.
    """
    try:
        capability(target, Configurable, step="set_env").set_env(action.root)
    except TargetNotReady as e:
        raise StepFailed(
            f"target '{target.name}' was restarted with {_named(action)} and did not come back: {e}"
        ) from e
    except LeakdrillError as e:
        raise StepFailed(str(e)) from e
    return {"variables": _named(action)}


def _named(action: SetEnv) -> str:
    return " ".join(f"{name}={value}" for name, value in action.root.items())
