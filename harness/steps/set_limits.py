"""Give the running target other limits: what `docker update` or a changed resource request does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import LeakdrillError
from harness.steps.failure import StepFailed
from harness.targets.target import Limitable
from harness.units import show_size

if TYPE_CHECKING:
    from harness.scenario_steps import SetLimits
    from harness.targets.target import Target


def set_limits(action: SetLimits, target: Target) -> dict[str, str]:
    """Change the limits that are given, and say which of them are only watched here.

    The limits belong to the target's own control group and go with it, so there is nothing to undo.

    Raises:
        StepFailed: when this kind of target has no limits that can be changed while it runs.
    """
    if not isinstance(target, Limitable):
        raise StepFailed(f"target '{target.name}' ({type(target).__name__}) takes no other limits while it runs")
    try:
        watched = target.set_limits(memory_bytes=action.memory, cpus=action.cpus)
    except LeakdrillError as e:
        raise StepFailed(str(e)) from e
    facts = {"memory": show_size(action.memory)} if action.memory is not None else {}
    facts |= {"cpus": f"{action.cpus:g}"} if action.cpus is not None else {}
    return facts | ({"watched": "; ".join(watched)} if watched else {})
