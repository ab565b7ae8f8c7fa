"""Buffers of the host that rows are uploaded from: pinned, where there is a card that reads them by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from leaky_apps.tensor.network import HIDDEN

if TYPE_CHECKING:
    from torch import Tensor

    from leaky_apps.tensor.device import Device


class Transfers:
    """Uploads rows, and uses each buffer again when its upload is over.

    Attributes:
        forgotten: whether nobody asks if an upload is over: its buffer then waits for ever.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self.forgotten = False
        self._free: dict[int, list[Tensor]] = {}
        self._waiting: list[Tensor] = []

    @property
    def held_bytes(self) -> int:
        """Bytes of the host in buffers, free and waiting."""
        free = [block for blocks in self._free.values() for block in blocks]
        return sum(block.nbytes for block in (*free, *self._waiting))

    def fill(self, seed: int, rows: int) -> Tensor:
        """A buffer with rows drawn from `seed`."""
        free = self._free.get(rows)
        block = free.pop() if free else self._device.host_block(rows, HIDDEN)
        return block.normal_(generator=torch.Generator().manual_seed(seed))

    def over(self, block: Tensor) -> None:
        """The upload of `block` is over: the pass that read it has given its scores."""
        if self.forgotten:
            self._waiting.append(block)
        else:
            self._free.setdefault(block.shape[0], []).append(block)

    def finish(self) -> dict[str, int]:
        """Let go of every buffer, waiting ones and free ones. A leak that is on stays on."""
        held = {"waiting": len(self._waiting), "bytes": self.held_bytes}
        self._waiting.clear()
        self._free.clear()
        return held
