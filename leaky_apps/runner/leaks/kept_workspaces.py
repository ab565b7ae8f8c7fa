"""Workspaces that nobody removes: the disk of the runner fills, build after build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.runner.build import OUTPUT_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.runner.workspaces import Workspaces


class KeptWorkspaces:
    """Each build leaves its workspace. Switching it off removes none of those that are there."""

    name = "kept-workspaces"
    resource: Resource = "disk"
    growth: Growth = "kept"
    per_request = float(OUTPUT_BYTES)
    request = "POST /builds with a new commit"
    released_by: tuple[str, ...] = ("deleting workspaces",)
    not_released_by: tuple[str, ...] = (
        "POST /admin/gc",
        "POST /admin/clear-outputs",
        "restart",
        "switching the leak off",
    )
    twin = "a workspace goes with its build"

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    @property
    def on(self) -> bool:
        """Whether workspaces stay."""
        return not self._workspaces.clean_up

    def switch(self, *, on: bool) -> None:
        """Leave workspaces, or remove each with its build."""
        self._workspaces.clean_up = not on
