"""A mode set by hand for a large machine, and left in place on a small one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.runner.modes import NEED_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.runner.modes import Plan


class PinnedMode:
    """Every build runs optimized, also where the memory is too small for it: the kernel then kills builds."""

    name = "pinned-mode"
    resource: Resource = "memory"
    growth: Growth = "peak"
    per_request = float(NEED_BYTES["optimized"])
    request = "POST /builds with a new commit and mode critical"
    released_by: tuple[str, ...] = ("mode: auto", "a higher memory limit", "restart")
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/clear-outputs")
    twin = "the largest mode whose threshold an equal share of the memory reaches"

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    @property
    def on(self) -> bool:
        """Whether the mode is pinned."""
        return self._plan.pinned

    def switch(self, *, on: bool) -> None:
        """Pin the mode, or let the plan decide."""
        self._plan.pinned = on
