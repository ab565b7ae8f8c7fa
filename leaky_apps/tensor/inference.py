"""Runs an order: draws its rows, cuts them into batches, passes each through the network, and tries smaller ones."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import torch

from leaky_apps.tensor.network import COLUMNS, HIDDEN, ROWS, Network, States
from leaky_apps.tensor.trace import Trace

if TYPE_CHECKING:
    from torch import Tensor

    from leaky_apps.tensor.device import Device
    from leaky_apps.tensor.embeddings import Embeddings
    from leaky_apps.tensor.network import Precision
    from leaky_apps.tensor.order import Order
    from leaky_apps.tensor.references import References
    from leaky_apps.tensor.staging import Staging
    from leaky_apps.tensor.versions import Versions


class UnknownLabelError(ValueError):
    """The order names a label that the model has no score for; known only when the scores are there."""


class Result(NamedTuple):
    """The answer to an order."""

    prediction: list[float]
    batches: int
    retries: int


class Inference:
    """The model on its device.

    Attributes:
        max_batch_size: rows in one pass.
        whole_orders: whether an order is one pass, however many rows it has.
        retry_smaller: whether a pass that ran out of memory is tried again with half of its rows.
        cyclic_traces: whether a request's trace is garbage that only a collector finds.
    """

    def __init__(
        self, device: Device, references: References, staging: Staging, versions: Versions, embeddings: Embeddings
    ) -> None:
        self._device = device
        self._references, self._staging = references, staging
        self._versions, self._embeddings = versions, embeddings
        self.max_batch_size = ROWS
        self.whole_orders = False
        self.retry_smaller = True
        self.cyclic_traces = False
        self.network = self._load("float32")

    @property
    def precision(self) -> Precision:
        """Of the network, and of the versions loaded from now on."""
        return self.network.precision

    @precision.setter
    def precision(self, precision: Precision) -> None:
        hooked, checkpointing = self._references.hooked, self.network.checkpointing
        self._references.unhook()
        self.network = self._load(precision)
        self.network.checkpointing = checkpointing
        self._versions.precision = precision
        if hooked:
            self._references.hook(self.network)

    def _load(self, precision: Precision) -> Network:
        with self._device.watch():
            return Network(precision, self._device.name)

    async def answer(self, order: Order) -> Result:
        """The scores of `order`, batch after batch, each held until the client has read its rows.

        Raises:
            UnknownLabelError: when the order's label is none.
            torch.OutOfMemoryError: when not even one row fits, or smaller batches are not to be tried.
        """
        done, batches, retries = 0, 0, 0
        size = order.rows if self.whole_orders else self.max_batch_size
        prediction: list[float] = []
        while done < order.rows:
            rows = min(size, order.rows - done)
            try:
                states = self._pass(order, done, rows)
            except torch.OutOfMemoryError:
                if not self.retry_smaller or rows == 1:
                    raise
                if not retries:
                    self._device.empty_cache()
                size, retries = rows // 2, retries + 1
                continue
            prediction = prediction or [round(float(score), 4) for score in states.scores.detach()[0, :4]]
            if order.hold_s:
                await asyncio.sleep(order.hold_s * rows / order.rows)
            del states
            done, batches = done + rows, batches + 1
        return Result(prediction, batches, retries)

    def _pass(self, order: Order, offset: int, rows: int) -> States:
        with self._device.watch(), torch.set_grad_enabled(self._references.with_graph):
            x = self._rows(order.seed + offset, rows)
            states = self.network(x)
            if order.version:
                head = self._versions.head(order.version)
                states = states._replace(scores=head(states.second))
            self._remember(order, states)
            return self._checked(states, order.label)

    def _rows(self, seed: int, rows: int) -> Tensor:
        """Rows drawn from `seed`, staged in a block that is given back at once."""
        block = self._staging.take(rows)
        generator = torch.Generator(self._device.name).manual_seed(seed)
        wide = block.normal_(generator=generator)
        x = wide.view(rows, COLUMNS, HIDDEN // COLUMNS).mean(dim=2)
        self._staging.give_back(block)
        return x

    def _remember(self, order: Order, states: States) -> None:
        trace = Trace(cyclic=self.cyclic_traces)
        trace.note("hidden", states.second)
        self._references.add_loss(states.scores)
        if order.key:
            self._embeddings.put(order.key, states.second.detach())

    def _checked(self, states: States, label: int | None) -> States:
        if label is not None and label >= COLUMNS:
            raise UnknownLabelError(f"label: found {label}; expected a whole number below {COLUMNS}")
        return states
