"""A list at module level that every request adds to. The cure is an object that owns its entries and cleans up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.patterns.order import RECEIPT_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.patterns.audit import AuditTrail


class GlobalAccumulation:
    """Every order adds an entry to `audit.ENTRIES`. Switching it off sends the next ones to the trail's own batch."""

    name = "global-accumulation"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(RECEIPT_BYTES)
    request = "POST /orders"
    released_by: tuple[str, ...] = ("restart",)
    not_released_by: tuple[str, ...] = (
        "POST /admin/gc",
        "POST /admin/clear-cache",
        'POST /admin/config {"audit_batch": 1}',
        "switching the leak off",
    )
    twin = "an AuditTrail that owns its batch, writes a line for every 8 entries and lets them go"

    def __init__(self, audit: AuditTrail) -> None:
        self._audit = audit

    @property
    def on(self) -> bool:
        """Whether entries go to the module."""
        return self._audit.in_module

    def switch(self, *, on: bool) -> None:
        """Add to the module's list, or to the trail's own batch."""
        self._audit.in_module = on
