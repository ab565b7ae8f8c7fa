"""A pool of staging blocks that are given back and never taken again: free memory that nobody can use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.tensor.network import STATE_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.tensor.staging import Staging


class UnusedBlocks:
    """Each request makes a block and leaves it in the pool. Emptying the cache is what such a pool needs."""

    name = "unused-blocks"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(STATE_BYTES)
    request = "POST /predict with 32 rows"
    released_by: tuple[str, ...] = ("POST /admin/empty-cache", "restart")
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/drop-references", "switching the leak off")
    twin = "one block for each size of a batch, used again and again"

    def __init__(self, staging: Staging) -> None:
        self._staging = staging

    @property
    def on(self) -> bool:
        """Whether free blocks are passed over."""
        return not self._staging.reuse

    def switch(self, *, on: bool) -> None:
        """Pass free blocks over, or use them again."""
        self._staging.reuse = not on
