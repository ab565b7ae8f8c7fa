"""Restart the target with other environment variables: a changed setting, rolled out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.errors import TargetNotReady
from leakdrill.steps.failure import StepFailed
from leakdrill.targets.base.capabilities import Configurable

if TYPE_CHECKING:
    from leakdrill.scenario.actions import SetEnv
    from leakdrill.steps.context import StepContext

NEEDS: Final = (Configurable,)


def act(action: SetEnv, context: StepContext) -> dict[str, str]:
    """Restarts the target with the variables, and returns when it is ready.

    Raises:
        StepFailed: when it did not come back.
        LeakdrillError: when this kind of target cannot be given them.
    """
    variables = " ".join(f"{name}={value}" for name, value in action.root.items())
    try:
        context.require(Configurable).set_env(action.root)
    except TargetNotReady as e:
        raise StepFailed(
            f"target '{context.target.name}' was restarted with {variables} and did not come back: {e}"
        ) from e
    return {"variables": variables}
