"""Give the running target other limits: what `docker update` or a changed resource request does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.errors import LeakdrillError
from leakdrill.steps.failure import StepFailed
from leakdrill.targets.base.capabilities import Limitable, Pinnable
from leakdrill.targets.kinds import capability
from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.scenario.actions import SetLimits
    from leakdrill.targets.base.capabilities import Target


def set_limits(action: SetLimits, target: Target) -> dict[str, str]:
    """Change the limits that are given, and say which of them are only watched here.

    The limits belong to the target's own control group and go with it, so there is nothing to undo.

    Raises:
        StepFailed: when this kind of target has no limits that can be changed while it runs.
    """
    try:
        watched = _limit(action, target)
        if action.shared:
            _share(action, target)
    except LeakdrillError as e:
        raise StepFailed(str(e)) from e
    given = {
        "memory": None if action.memory is None else show_size(action.memory),
        "cpus": None if action.cpus is None else f"{action.cpus:g}",
        "cpu_shares": None if action.cpu_shares is None else str(action.cpu_shares),
        "cpu_set": action.cpu_set,
        "watched": "; ".join(watched) or None,
    }
    return {name: text for name, text in given.items() if text is not None}


def _limit(action: SetLimits, target: Target) -> Sequence[str]:
    if action.memory is None and action.cpus is None:
        return ()
    return capability(target, Limitable, step="set_limits").set_limits(memory_bytes=action.memory, cpus=action.cpus)


def _share(action: SetLimits, target: Target) -> None:
    capability(target, Pinnable, step="set_limits").share_cpus(shares=action.cpu_shares, cores=action.cpu_set)
