"""Ask the service to collect garbage; helps only where there is garbage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.scenario.actions import HttpCall
from leakdrill.steps.http import call

if TYPE_CHECKING:
    from leakdrill.scenario.actions import CollectGarbage
    from leakdrill.targets.base.capabilities import Target


def collect(action: CollectGarbage, target: Target, *, timeout_s: float) -> dict[str, str]:
    """POST to the service's own collector. There is nothing to undo.

    Raises:
        StepFailed: as `http.call` does.
    """
    return call(HttpCall(path=action.path).model_copy(update={"timeout": timeout_s}), target)
