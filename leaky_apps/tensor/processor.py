"""The processor in place of a card: a budget for the card's size, and a model of torch's caching allocator."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any, Final

import torch

from leaky_apps.tensor import statistics
from leaky_apps.tensor.captured import CopiedBuffers
from leaky_apps.tensor.ledger import Ledger
from leaky_apps.tensor.process import trim

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from torch import Tensor

    from leaky_apps.tensor.caching import Segment
    from leaky_apps.tensor.captured import Captured
    from leaky_apps.tensor.network import Network

DEFAULT_BUDGET_BYTES: Final = 1 << 30
_FLOAT_BYTES: Final = 4


class Processor:
    """The processor, with a budget in place of a card's memory.

    Args:
        budget_bytes: what stands for the card's size.
        fraction: share of it that may be used.
        of_card: whether it stands for a card; without one it is what a service falls back to.
    """

    name = "cpu"

    def __init__(
        self, budget_bytes: int = DEFAULT_BUDGET_BYTES, fraction: float = 1.0, *, of_card: bool = True
    ) -> None:
        self.of_card = of_card
        self._budget_bytes = budget_bytes
        self.fraction = fraction
        self._ledger = Ledger(lambda: self._budget_bytes * self.fraction)

    def allocated_bytes(self) -> int:
        """Bytes of every tensor that was made under `watch` and still lives, rounded as an allocator does."""
        return self._ledger.memory.allocated

    def used_bytes(self) -> int:
        """The bytes that a GPU would count as used: the segments, with tensors in them or not."""
        return self._ledger.memory.reserved

    def total_bytes(self) -> int:
        """The budget."""
        return self._budget_bytes

    def statistics(self) -> dict[str, int]:
        """The model's figures, under torch's names. There are no streams, so what is active is what is allocated."""
        held = self._ledger.memory
        return {
            statistics.ALLOCATED: held.allocated,
            statistics.MOST_ALLOCATED: held.most_allocated,
            statistics.REQUESTED: held.asked,
            statistics.ACTIVE: held.allocated,
            statistics.RESERVED: held.reserved,
            statistics.SPLIT: held.split,
            statistics.RETRIES: held.retries,
            statistics.OOMS: held.ooms,
        }

    def watch(self) -> AbstractContextManager[Any]:
        """Count what is made."""
        return self._ledger

    def empty_cache(self) -> str:
        """Give free segments back to the budget, and free heap pages to the system."""
        self._ledger.memory.empty()
        return "malloc_trim" if trim() else "nothing: the C library cannot trim"

    def snapshot(self) -> list[dict[str, Any]]:
        """The segments and their blocks, in the shape of torch's own snapshot."""
        return [_shown(segment) for segment in self._ledger.memory.segments()]

    def host_block(self, rows: int, columns: int) -> Tensor:
        """Pages of its own, outside of the heap, as pinned memory is: holes of the heap are none of its concern."""
        pages = mmap.mmap(-1, rows * columns * _FLOAT_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        return torch.frombuffer(pages, dtype=torch.float32).reshape(rows, columns)

    def upload(self, block: Tensor) -> Tensor:
        """A copy that counts as the device's."""
        return block.clone()

    def capture(self, network: Network, x: Tensor) -> Captured:
        """Buffers of the pass, which stand in for a captured graph."""
        return CopiedBuffers(network, x)

    def summary(self) -> str:
        """The counts of the ledger."""
        lines = {"device": "cpu", "budget_bytes": self._budget_bytes, "fraction": self.fraction}
        figures = lines | {"used_bytes": self.used_bytes()} | self.statistics() | {"tensors": self._ledger.count}
        return "".join(f"{name} {value}\n" for name, value in figures.items())


def _shown(segment: Segment) -> dict[str, Any]:
    return {
        "total_size": segment.size,
        "allocated_size": sum(block.size for block in segment.blocks if block.used),
        "segment_type": "small" if segment.small else "large",
        "blocks": [
            {
                "size": block.size,
                "requested_size": block.asked,
                "state": "active_allocated" if block.used else "inactive",
                "frames": [frame._asdict() for frame in block.frames],
            }
            for block in segment.blocks
        ],
    }
