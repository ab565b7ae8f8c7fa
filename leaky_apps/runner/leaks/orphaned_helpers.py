"""Helpers of builds that outlive them: processes that wait for work that never comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.runner.helpers import Helpers


class OrphanedHelpers:
    """Each build leaves its helper running, one thread each. Switching it off ends none of them."""

    name = "orphaned-helpers"
    resource: Resource = "threads"
    growth: Growth = "kept"
    per_request = 1.0
    request = "POST /builds with a new commit"
    released_by: tuple[str, ...] = ("ending the helpers", "restart")
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/clear-outputs", "switching the leak off")
    twin = "a helper is ended with its build"

    def __init__(self, helpers: Helpers) -> None:
        self._helpers = helpers

    @property
    def on(self) -> bool:
        """Whether helpers are left running."""
        return not self._helpers.end_with_build

    def switch(self, *, on: bool) -> None:
        """Leave helpers running, or end each with its build."""
        self._helpers.end_with_build = not on
