"""A data loader whose worker keeps what it has decoded: the process that grows is not the one that serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.tensor.loader import DECODED_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.tensor.loader import Loader


class LoaderWorkers:
    """Each batch leaves its decoded block in the worker. Neither the card nor the service's own heap shows it."""

    name = "loader-workers"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(DECODED_BYTES)
    request = 'POST /predict with 32 rows and "source": "loader"'
    released_by: tuple[str, ...] = ("POST /admin/restart-loader", "ending the worker process", "restart")
    not_released_by: tuple[str, ...] = (
        "POST /admin/gc",
        "POST /admin/empty-cache",
        "POST /admin/drop-references",
        "switching the leak off",
    )
    twin = "the same worker, which keeps no block"

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    @property
    def on(self) -> bool:
        """Whether the worker keeps blocks."""
        return self._loader.keep

    def switch(self, *, on: bool) -> None:
        """Have the worker keep what it decodes from now on, or not."""
        self._loader.keep = on
