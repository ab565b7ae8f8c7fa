"""Remove the run's leftovers on the engine: stopped containers, unused networks and volumes of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.targets.base.capabilities import Prunable

if TYPE_CHECKING:
    from leakdrill.scenario.actions import Prune
    from leakdrill.steps.context import StepContext

NEEDS: Final = (Prunable,)


def act(action: Prune, context: StepContext) -> dict[str, str]:  # noqa: ARG001 - it has no keys
    """Prunes what carries the run's label, never the whole engine; returns how many of each kind went.

    Raises:
        LeakdrillError: when this kind of target has no engine, or it refuses.
    """
    return {kind: str(count) for kind, count in context.require(Prunable).prune().items()}
