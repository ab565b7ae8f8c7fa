"""The device that tensors live on: the one interface through which its memory is read and told to go back.

On a card (`card.py`) the figures are torch's own. On the processor (`processor.py`) a ledger counts the tensors, a
model of torch's allocator deals with them, and a budget stands for the card's size: an allocation beyond it raises
what a card would raise.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

import torch

from leaky_apps.tensor.card import Card
from leaky_apps.tensor.processor import DEFAULT_BUDGET_BYTES, Processor

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from torch import Tensor

    from leaky_apps.tensor.captured import Captured
    from leaky_apps.tensor.network import Network


class Device(Protocol):
    """The device on which tensors are allocated.

    Attributes:
        name: as torch calls it.
        fraction: share of the memory that this process may use.
        of_card: whether its memory is a card's, or a budget that stands for one.
    """

    name: str
    fraction: float
    of_card: bool

    def allocated_bytes(self) -> int:
        """Bytes of the tensors that live on it."""

    def used_bytes(self) -> int:
        """Bytes of it that are in use, for tensors or for none."""

    def total_bytes(self) -> int:
        """Bytes that it has; of a budget, the budget."""

    def statistics(self) -> dict[str, int]:
        """The allocator's statistics, under the names in `statistics.py`."""

    def watch(self) -> AbstractContextManager[Any]:
        """Every tensor must be made inside this."""

    def empty_cache(self) -> str:
        """Give back what no tensor uses; says what was called for it."""

    def snapshot(self) -> list[dict[str, Any]]:
        """Every segment with its blocks and where each was made, in the shape of torch's snapshots."""

    def host_block(self, rows: int, columns: int) -> Tensor:
        """Memory of the host that can be uploaded from; not the device's."""

    def upload(self, block: Tensor) -> Tensor:
        """A copy of a host's block on the device."""

    def capture(self, network: Network, x: Tensor) -> Captured:
        """A pass of `network` recorded for rows of the shape of `x`."""

    def summary(self) -> str:
        """A table of what is held, for a person."""


def available() -> tuple[str, ...]:
    """The devices of this machine, best first."""
    return ("cuda", "cpu", "host") if torch.cuda.is_available() else ("cpu", "host")


def choose(
    name: str, *, budget_bytes: int | None, card_budget_bytes: int | None = None, fraction: float = 1.0
) -> Device:
    """The device called `name`; `auto` is the best there is.

    `cpu` is the processor with a budget in place of a card. `host` is the processor and no card at all, which a service
    falls back to: as much memory as the machine has, and no figures of a card. `card_budget_bytes` is the budget on a
    card where that is another one.

    Raises:
        ValueError: when this machine has none of that name.
    """
    wanted = available()[0] if name == "auto" else name
    if wanted not in available():
        raise ValueError(f"device {name!r}: this machine has {', '.join(available())}; expected one of these, or auto")
    if wanted == "cuda":
        return Card(card_budget_bytes or budget_bytes, fraction)
    if wanted == "host":
        return Processor(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), of_card=False)
    return Processor(budget_bytes or DEFAULT_BUDGET_BYTES, fraction)
