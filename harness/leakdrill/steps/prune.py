"""Remove what the run left lying about on the engine: stopped containers, unused networks and volumes of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.errors import LeakdrillError
from leakdrill.steps.failure import StepFailed
from leakdrill.targets.base.capabilities import Prunable
from leakdrill.targets.kinds import capability

if TYPE_CHECKING:
    from leakdrill.targets.base.capabilities import Target


def prune(target: Target) -> dict[str, str]:
    """Prune what carries the run's label, never the whole engine; says how many of each kind went.

    Raises:
        StepFailed: when this kind of target has no engine, or it refuses.
    """
    try:
        return {kind: str(count) for kind, count in capability(target, Prunable, step="prune").prune().items()}
    except LeakdrillError as e:
        raise StepFailed(str(e)) from e
