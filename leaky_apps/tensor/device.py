"""The device that tensors live on: the only place that reads its memory or tells it to let go of some.

On a card the figures are torch's own. On the processor a ledger counts the tensors, and a budget stands for the
card's size: an allocation beyond it raises what a card would raise.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final, Protocol

import torch

from leaky_apps.tensor.ledger import Ledger
from leaky_apps.tensor.process import trim

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

DEFAULT_BUDGET_BYTES: Final = 1 << 30


class Device(Protocol):
    """Where tensors live.

    Attributes:
        name: as torch calls it.
        fraction: share of the memory that this process may use.
    """

    name: str
    fraction: float

    def used_bytes(self) -> int:
        """Bytes of the tensors that live on it."""

    def total_bytes(self) -> int:
        """Bytes that it has; of a budget, the budget."""

    def watch(self) -> AbstractContextManager[Any]:
        """Every tensor must be made inside this."""

    def empty_cache(self) -> str:
        """Give back what no tensor uses; says what was called for it."""

    def summary(self) -> str:
        """A table of what is held, for a person."""


class Processor:
    """The processor, with a budget in place of a card's memory."""

    name = "cpu"

    def __init__(self, budget_bytes: int = DEFAULT_BUDGET_BYTES, fraction: float = 1.0) -> None:
        self._budget_bytes = budget_bytes
        self.fraction = fraction
        self._ledger = Ledger(lambda: self._budget_bytes * self.fraction)

    def used_bytes(self) -> int:
        """Bytes of every tensor that was made under `watch` and still lives."""
        return self._ledger.bytes

    def total_bytes(self) -> int:
        """The budget."""
        return self._budget_bytes

    def watch(self) -> AbstractContextManager[Any]:
        """Count what is made."""
        return self._ledger

    def empty_cache(self) -> str:
        """`malloc_trim`: there is no other cache, since a freed tensor goes back to the C library."""
        return "malloc_trim" if trim() else "nothing: the C library cannot trim"

    def summary(self) -> str:
        """The counts of the ledger."""
        return (
            f"device cpu\nbudget_bytes {self._budget_bytes}\nfraction {self.fraction}\n"
            f"used_bytes {self._ledger.bytes}\ntensors {self._ledger.count}\n"
        )


class Card:
    """A CUDA card, or a share of one: with a budget, this process may use that much of it."""

    name = "cuda"

    def __init__(self, budget_bytes: int | None = None, fraction: float = 1.0) -> None:
        self._size_bytes = int(torch.cuda.get_device_properties(0).total_memory)
        self._budget_bytes = min(budget_bytes or self._size_bytes, self._size_bytes)
        self._fraction = fraction
        self.fraction = fraction

    @property
    def fraction(self) -> float:
        """Share of the budget that torch may use."""
        return self._fraction

    @fraction.setter
    def fraction(self, share: float) -> None:
        torch.cuda.set_per_process_memory_fraction(share * self._budget_bytes / self._size_bytes)
        self._fraction = share

    def used_bytes(self) -> int:
        """Bytes of the tensors on the card."""
        return int(torch.cuda.memory_allocated())

    def total_bytes(self) -> int:
        """The budget; without one, the card's memory."""
        return self._budget_bytes

    def watch(self) -> AbstractContextManager[Any]:
        """Nothing: torch counts."""
        return contextlib.nullcontext()

    def empty_cache(self) -> str:
        """Give the blocks that torch keeps for later back to the driver."""
        torch.cuda.empty_cache()
        return "torch.cuda.empty_cache"

    def summary(self) -> str:
        """Torch's own table."""
        return str(torch.cuda.memory_summary())


def available() -> tuple[str, ...]:
    """The devices of this machine, best first."""
    return ("cuda", "cpu") if torch.cuda.is_available() else ("cpu",)


def choose(name: str, *, budget_bytes: int | None, fraction: float = 1.0) -> Device:
    """The device called `name`; `auto` is the best there is.

    Raises:
        ValueError: when this machine has none of that name.
    """
    wanted = available()[0] if name == "auto" else name
    if wanted not in available():
        raise ValueError(f"device {name!r}: this machine has {', '.join(available())}; expected one of these, or auto")
    if wanted == "cuda":
        return Card(budget_bytes, fraction)
    return Processor(budget_bytes or DEFAULT_BUDGET_BYTES, fraction)
