"""A CUDA card: every figure and every action here is torch's own."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import torch

from leaky_apps.tensor import statistics
from leaky_apps.tensor.captured import CudaGraph

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from torch import Tensor

    from leaky_apps.tensor.captured import Captured
    from leaky_apps.tensor.network import Network


class Card:
    """A CUDA card, or a share of one: with a budget, this process may use that much of it.

    `TENSOR_HISTORY=1` records where each tensor is made, for the snapshot; that costs some microseconds each.
    """

    name = "cuda"
    of_card = True

    def __init__(self, budget_bytes: int | None = None, fraction: float = 1.0) -> None:
        self._size_bytes = int(torch.cuda.get_device_properties(0).total_memory)
        self._budget_bytes = min(budget_bytes or self._size_bytes, self._size_bytes)
        self._fraction = fraction
        self.fraction = fraction
        self._capturing = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        if os.environ.get("TENSOR_HISTORY", "1") != "0":
            # Only of what lives now: a trace of all that ever happened grows without end.
            torch.cuda.memory._record_memory_history("state", context="state", stacks="python")  # noqa: SLF001 - its documented name

    @property
    def fraction(self) -> float:
        """Share of the budget that torch may use."""
        return self._fraction

    @fraction.setter
    def fraction(self, share: float) -> None:
        torch.cuda.set_per_process_memory_fraction(share * self._budget_bytes / self._size_bytes)
        self._fraction = share

    def allocated_bytes(self) -> int:
        """Bytes of the tensors on the card."""
        return int(torch.cuda.memory_allocated())

    def used_bytes(self) -> int:
        """Bytes of the card in use by whomever; where there is a budget, those that this process has reserved."""
        if self._budget_bytes < self._size_bytes:
            return int(torch.cuda.memory_reserved())
        free, total = torch.cuda.mem_get_info()
        return int(total - free)

    def total_bytes(self) -> int:
        """The budget; without one, the card's memory."""
        return self._budget_bytes

    def statistics(self) -> dict[str, int]:
        """Torch's own; before the first tensor it has none."""
        said = torch.cuda.memory_stats()
        return {name: int(said.get(name, 0)) for name in statistics.HELP}

    def watch(self) -> AbstractContextManager[Any]:
        """Nothing: torch counts."""
        return contextlib.nullcontext()

    def empty_cache(self) -> str:
        """Give the blocks that torch keeps for later back to the driver."""
        torch.cuda.empty_cache()
        return "torch.cuda.empty_cache"

    def snapshot(self) -> list[dict[str, Any]]:
        """Torch's own."""
        segments: list[dict[str, Any]] = torch.cuda.memory._snapshot()["segments"]  # noqa: SLF001 - likewise
        return segments

    def host_block(self, rows: int, columns: int) -> Tensor:
        """Memory of the host that the kernel may not move, so that the card can read it by itself."""
        return torch.empty(rows, columns, pin_memory=True)

    def upload(self, block: Tensor) -> Tensor:
        """A copy on the card, made while the processor goes on."""
        return block.to(self.name, non_blocking=True)

    def capture(self, network: Network, x: Tensor) -> Captured:
        """A CUDA graph with a memory pool of its own."""
        return CudaGraph(network, x, self._capturing)

    def summary(self) -> str:
        """Torch's own table."""
        return str(torch.cuda.memory_summary())
