"""Pinned buffers of the host whose uploads nobody asks after: memory that is neither the card's nor the heap's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.tensor.network import STATE_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.tensor.transfers import Transfers


class PinnedBuffers:
    """Each upload leaves its buffer waiting. On the processor pages outside of the heap stand in for pinned memory."""

    name = "pinned-buffers"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(STATE_BYTES)
    request = 'POST /predict with 32 rows and "source": "host"'
    released_by: tuple[str, ...] = ("POST /admin/finish-transfers", "restart")
    not_released_by: tuple[str, ...] = (
        "POST /admin/gc",
        "POST /admin/empty-cache",
        "POST /admin/drop-references",
        "switching the leak off",
    )
    twin = "the same buffers, used again when their upload is over"

    def __init__(self, transfers: Transfers) -> None:
        self._transfers = transfers

    @property
    def on(self) -> bool:
        """Whether buffers wait for ever."""
        return self._transfers.forgotten

    def switch(self, *, on: bool) -> None:
        """Forget uploads, or use their buffers again; those that wait stay."""
        self._transfers.forgotten = on
