"""Switch a leak of the target on or off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.scenario.actions import HttpCall
from leakdrill.steps.http import call
from leakdrill.targets.base.capabilities import Outliving, Replicated
from leakdrill.targets.kinds import find_capability

if TYPE_CHECKING:
    from leakdrill.scenario.leaks import Leak
    from leakdrill.targets.base.capabilities import Target


def switch(leak: Leak, target: Target, *, on: bool) -> dict[str, str]:
    """Send the leak's own request, or `POST /admin/leaks {"NAME": true}`, which the sample services understand.

    Raises:
        StepFailed: as `http.call` does.
    """
    switches = [HttpCall(path="/admin/leaks", body={leak.name: value}) for value in (True, False)]
    if leak.switch is not None:
        switches = [leak.switch.on, leak.switch.off]
    outliving = find_capability(target, Outliving)
    if outliving and on:
        outliving.note_switched_on(leak.name, switches[1])
    answer = _send(switches[0] if on else switches[1], target)
    if outliving and not on:
        outliving.note_switched_off(leak.name)
    return answer


def _send(action: HttpCall, target: Target) -> dict[str, str]:
    replicated = find_capability(target, Replicated)
    if replicated and len(urls := replicated.replica_urls()) > 1:
        # A switch is no request of a client: each replica has its own, and all of them leak or none.
        return [call(action, target, base_url=url) for url in urls][-1]
    return call(action, target)
