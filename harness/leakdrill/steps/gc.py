"""Ask the service to collect garbage; helps only where there is garbage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.scenario.actions import HttpCall
from leakdrill.steps.http import call

if TYPE_CHECKING:
    from leakdrill.scenario.actions import CollectGarbage
    from leakdrill.steps.context import StepContext

NEEDS: Final[tuple[type, ...]] = ()


def act(action: CollectGarbage, context: StepContext) -> dict[str, str]:
    """Sends a POST to the service's own collector.

    Raises:
        StepFailed: as `http.call` does.
    """
    return call(HttpCall(path=action.path).model_copy(update={"timeout": context.timeout_s}), context.target)
