"""A prompt is validated with a regular expression whose cost doubles with each letter."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final

from leaky_apps.service.spend import spend
from leaky_apps.service.switched import Switched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leaky_apps.gateway.call import Call
    from leaky_apps.leak import Growth, Resource


_COST_S: Final = 0.02
_WINDOW: Final = 12

_CATASTROPHIC: Final = re.compile(r"(\w+\s?)*\Z")
_LINEAR: Final = re.compile(r"(?:\w|\s)*\Z")


class CatastrophicRegex(Switched):
    """Words ending in a character that fits nothing are tried in every way there is.

    The prompt is cut into windows, and the validation gives up after 20 ms of processor time, as one with a soft
    deadline does; a prompt of a thousand letters always uses that up. So the cost is the same on every machine.
    """

    name = "catastrophic-regex"
    resource: Resource = "cpu"
    growth: Growth = "kept"
    per_request = _COST_S
    request = 'POST /predict with a "text" of letters that ends in "!"'
    released_by: tuple[str, ...] = ("rate_limit_enabled of /admin/config", "POST /admin/mode degraded", "restart")
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/clear-cache", "POST /admin/clear-model-cache")
    twin = "an expression that matches the same prompts and looks at each letter once"

    def see(self, call: Call) -> None:
        """Validate the prompt of `call`."""
        if not call.text:
            return
        if self.on and not call.text[-1].isalnum():
            windows = itertools.cycle(_windows(call.text))
            spend(_COST_S, lambda: _CATASTROPHIC.match(next(windows)))
        else:
            _LINEAR.match(call.text)


def _windows(text: str) -> Iterator[str]:
    for begin in range(0, len(text), _WINDOW):
        yield text[begin : begin + _WINDOW] + text[-1]
