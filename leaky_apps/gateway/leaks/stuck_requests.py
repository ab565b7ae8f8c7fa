"""The audit service confirms nothing any more, and no request has a time-out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.gateway.call import TENSOR_BYTES

if TYPE_CHECKING:
    from leaky_apps.gateway.pending import AuditReports
    from leaky_apps.leak import Growth, Resource


class StuckRequests:
    """Each request is answered and never finished: its report waits for good, with the request's tensor."""

    name = "stuck-requests"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(TENSOR_BYTES)
    request = "POST /predict"
    released_by: tuple[str, ...] = ("request_timeout_s of /admin/config", "restart")
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/clear-cache", "switching the leak off")
    twin = "reports are confirmed at once"

    def __init__(self, reports: AuditReports) -> None:
        self._reports = reports

    @property
    def on(self) -> bool:
        """Whether reports stay unconfirmed."""
        return not self._reports.confirmed

    def switch(self, *, on: bool) -> None:
        """Stop confirming reports, or confirm those that are sent from now on."""
        self._reports.confirmed = not on
