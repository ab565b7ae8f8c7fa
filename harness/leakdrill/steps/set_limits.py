"""Give the running target other limits: what `docker update` or a changed resource request does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.targets.base.capabilities import Limitable, Pinnable
from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.scenario.actions import SetLimits
    from leakdrill.steps.context import StepContext

NEEDS: Final = (Limitable, Pinnable)


def act(action: SetLimits, context: StepContext) -> dict[str, str]:
    """Changes the limits that are given, and says which of them are only watched here.

    Raises:
        LeakdrillError: when this kind of target has no limits that can be changed while it runs.
    """
    watched = _limit(action, context)
    if action.shared:
        context.require(Pinnable).share_cpus(shares=action.cpu_shares, cores=action.cpu_set)
    given = {
        "memory": None if action.memory is None else show_size(action.memory),
        "cpus": None if action.cpus is None else f"{action.cpus:g}",
        "cpu_shares": None if action.cpu_shares is None else str(action.cpu_shares),
        "cpu_set": action.cpu_set,
        "watched": "; ".join(watched) or None,
    }
    return {name: text for name, text in given.items() if text is not None}


def _limit(action: SetLimits, context: StepContext) -> Sequence[str]:
    if action.memory is None and action.cpus is None:
        return ()
    return context.require(Limitable).set_limits(memory_bytes=action.memory, cpus=action.cpus)
