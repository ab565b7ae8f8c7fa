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
    from leaky_apps.tensor.holdings import Holdings
    from leaky_apps.tensor.network import Precision
    from leaky_apps.tensor.order import Order


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

    def __init__(self, device: Device, held: Holdings) -> None:
        self._device = device
        self._held = held
        self.max_batch_size = ROWS
        self.whole_orders = False
        self.retry_smaller = True
        self.cyclic_traces = False
        self.network = self._load("float32")

    @property
    def precision(self) -> Precision:
        """The precision of the network, and of the versions loaded from now on."""
        return self.network.precision

    @precision.setter
    def precision(self, precision: Precision) -> None:
        references = self._held.references
        hooked, checkpointing = references.hooked, self.network.checkpointing
        references.unhook()
        self._held.graphs.clear()
        self.network = self._load(precision)
        self.network.checkpointing = checkpointing
        self._held.versions.precision = precision
        if hooked:
            references.hook(self.network)

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
                states = self._pass(order, done, rows, await self._from_host(order, done, rows))
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

    async def _from_host(self, order: Order, offset: int, rows: int) -> Tensor | None:
        """The tensor to upload for these rows; None when they are made on the device."""
        if order.source == "loader":
            return (await self._held.loader.rows())[:rows]
        return self._held.transfers.fill(order.seed + offset, rows) if order.source == "host" else None

    def _pass(self, order: Order, offset: int, rows: int, host: Tensor | None) -> States:
        try:
            with self._device.watch(), torch.set_grad_enabled(self._held.references.gradients):
                x = self._drawn(order.seed + offset, rows) if host is None else _narrowed(self._device.upload(host))
                states = self._states(order, x)
                self._remember(order, states)
                return self._checked(states, order.label)
        finally:
            if host is not None and order.source == "host":
                self._held.transfers.over(host)

    def _drawn(self, seed: int, rows: int) -> Tensor:
        """Rows drawn from `seed`, staged in a block that is given back at once."""
        block = self._held.staging.take(rows)
        generator = torch.Generator(self._device.name).manual_seed(seed)
        x = _narrowed(block.normal_(generator=generator))
        self._held.staging.give_back(block)
        return x

    def _states(self, order: Order, x: Tensor) -> States:
        if order.stream:
            return self._held.graphs.of(order.stream, x, network=self.network, device=self._device).replay(x)
        states: States = self.network(x)
        if order.version:
            states = states._replace(scores=self._held.versions.head(order.version)(states.second))
        return states

    def _remember(self, order: Order, states: States) -> None:
        trace = Trace(cyclic=self.cyclic_traces)
        trace.note("hidden", states.second)
        self._held.references.add_loss(states.scores)
        self._held.references.add_output(states.scores)
        self._held.references.carry(states.second)
        if order.key:
            self._held.embeddings.put(order.key, states.second.detach())

    def _checked(self, states: States, label: int | None) -> States:
        if label is not None and label >= COLUMNS:
            raise UnknownLabelError(f"label: found {label}; expected a whole number below {COLUMNS}")
        return states


def _narrowed(rows: Tensor) -> Tensor:
    """Rows as wide as the network takes them: a wide row's neighbours are averaged."""
    return rows if rows.shape[1] == COLUMNS else rows.view(len(rows), COLUMNS, HIDDEN // COLUMNS).mean(dim=2)
