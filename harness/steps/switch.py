"""Switch a leak of the target on or off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.scenario import HttpCall
from harness.steps.http import call

if TYPE_CHECKING:
    from harness.scenario import Leak
    from harness.targets.target import Target


def switch(leak: Leak, target: Target, *, on: bool) -> dict[str, str]:
    """Send the leak's own request, or `POST /admin/leaks {"NAME": true}`, which the sample services understand.

    Raises:
        StepFailed: as `http.call` does.
    """
    if leak.switch is None:
        return call(HttpCall(path="/admin/leaks", body={leak.name: on}), target)
    return call(leak.switch.on if on else leak.switch.off, target)
