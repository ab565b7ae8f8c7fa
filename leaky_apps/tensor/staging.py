"""Blocks of device memory that inputs are staged in, kept for the next request of the same size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from leaky_apps.tensor.network import HIDDEN

if TYPE_CHECKING:
    from torch import Tensor

_MOST_ROWS: Final = 64
"""A larger block is not kept: it would be rare, and hold much."""


class Staging:
    """A pool of free blocks, by their count of rows.

    Attributes:
        reuse: whether a free block is looked for before a new one is made.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self.reuse = True
        self._free: dict[int, list[Tensor]] = {}

    @property
    def free_bytes(self) -> int:
        """Bytes of the blocks that nobody uses."""
        return sum(block.nbytes for blocks in self._free.values() for block in blocks)

    def take(self, rows: int) -> Tensor:
        """A block of shape (rows, 512), every page of it written before."""
        free = self._free.get(rows)
        if self.reuse and free:
            return free.pop()
        return torch.zeros(rows, HIDDEN, device=self._device)

    def give_back(self, block: Tensor) -> None:
        """Keep `block` for the next request of its size, unless it is large."""
        if block.shape[0] <= _MOST_ROWS:
            self._free.setdefault(block.shape[0], []).append(block)

    def empty(self) -> int:
        """Let go of every free block, and return how many bytes that were."""
        held = self.free_bytes
        self._free.clear()
        return held
