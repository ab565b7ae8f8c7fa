"""`/admin/mode`: normal, or degraded, in which a share of the requests is turned away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from leaky_apps.service.admin import body, error

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from leaky_apps.service.admission import Admission, Mode


class ModeSwitch:
    """Handles `/admin/mode` for one admission."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    async def handle(self, request: Request) -> Response:
        """Show the mode, after changing it on POST: `{"mode": "degraded", "accept_rate": 0.5}`."""
        if request.method == "POST":
            try:
                mode, rate = _mode(await body(request))
            except ValueError as e:
                return error(422, str(e))
            self._admission.mode, self._admission.accept_rate = mode, rate
        return JSONResponse({"mode": self._admission.mode, "accept_rate": self._admission.accept_rate})


def _mode(wanted: Any) -> tuple[Mode, float]:
    if not isinstance(wanted, dict) or wanted.get("mode") not in ("normal", "degraded"):
        raise ValueError(f'mode: found {wanted!r}; expected {{"mode": "normal"}} or {{"mode": "degraded", …}}')
    if wanted["mode"] == "normal":
        return "normal", 1.0
    rate = wanted.get("accept_rate", 0.5)
    if not isinstance(rate, int | float) or isinstance(rate, bool) or not 0 <= rate <= 1:
        raise ValueError(f"accept_rate: found {rate!r}; expected a number from 0 to 1")
    return "degraded", float(rate)
