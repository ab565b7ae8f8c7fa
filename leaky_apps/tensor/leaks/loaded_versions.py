"""Every version of the model that was ever asked for stays loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.tensor.versions import HEAD_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.tensor.versions import Versions


class LoadedVersions:
    """Each new version keeps its weights on the device. Switching it off drops none of those loaded."""

    name = "loaded-versions"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(HEAD_BYTES)
    request = "POST /predict with a new version"
    released_by: tuple[str, ...] = ("POST /admin/unload-versions", "restart")
    not_released_by: tuple[str, ...] = (
        "POST /admin/gc",
        "POST /admin/empty-cache",
        "POST /admin/drop-references",
        "switching the leak off",
    )
    twin = "the two versions used last stay loaded"

    def __init__(self, versions: Versions) -> None:
        self._versions = versions

    @property
    def on(self) -> bool:
        """Whether versions are loaded without a bound."""
        return not self._versions.bounded

    def switch(self, *, on: bool) -> None:
        """Take the bound away, or put one at the level that is loaded."""
        if on:
            self._versions.unbind()
        else:
            self._versions.bind()
