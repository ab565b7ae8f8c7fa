"""Remove what the run left lying about on the engine: stopped containers, unused networks and volumes of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.errors import LeakdrillError
from leakdrill.steps.failure import StepFailed
from leakdrill.targets.base.capabilities import Prunable

if TYPE_CHECKING:
    from leakdrill.targets.base.capabilities import Target


def prune(target: Target) -> dict[str, str]:
    """Prune what carries the run's label, never the whole engine; says how many of each kind went.

    Raises:
        StepFailed: when this kind of target has no engine, or it refuses.
    """
    if not isinstance(target, Prunable):
        raise StepFailed(f"target '{target.name}' ({type(target).__name__}) has nothing that could be pruned")
    try:
        return {kind: str(count) for kind, count in target.prune().items()}
    except LeakdrillError as e:
        raise StepFailed(str(e)) from e
