"""Switch a leak of the target on or off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.scenario.actions import HttpCall
from leakdrill.steps.http import call
from leakdrill.targets.base.capabilities import Replicated
from leakdrill.targets.kinds import find_capability

if TYPE_CHECKING:
    from leakdrill.scenario.leaks import Leak
    from leakdrill.targets.base.capabilities import Target


def switch(leak: Leak, target: Target, *, on: bool) -> dict[str, str]:
    """Send the leak's own request, or `POST /admin/leaks {"NAME": true}`, which the sample services understand.

    Raises:
        StepFailed: as `http.call` does.
    """
    action = HttpCall(path="/admin/leaks", body={leak.name: on})
    if leak.switch is not None:
        action = leak.switch.on if on else leak.switch.off
    replicated = find_capability(target, Replicated)
    if replicated and len(urls := replicated.replica_urls()) > 1:
        # A switch is no request of a client: each replica has its own, and all of them leak or none.
        return [call(action, target, base_url=url) for url in urls][-1]
    return call(action, target)
