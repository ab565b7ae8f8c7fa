"""The network: three layers with fixed random weights, in one of four precisions.

Small on purpose: 32 rows take about a millisecond, and each of its two hidden states of 32 rows is 64 KiB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from leaky_apps.tensor.dynamic import dynamically_quantized

if TYPE_CHECKING:
    from torch import Tensor

COLUMNS: Final = 128
HIDDEN: Final = 512
ROWS: Final = 32
STATE_BYTES: Final = ROWS * HIDDEN * 4
"""64 KiB: a hidden state of 32 rows."""
SCORES_BYTES: Final = ROWS * COLUMNS * 4
"""16 KiB: the input or the scores of 32 rows."""

Precision = Literal["float32", "half", "int8", "dynamic"]
_STEPS: Final = 127


class States(NamedTuple):
    """The results of one pass: both hidden states and the scores."""

    first: Tensor
    second: Tensor
    scores: Tensor


class Network(nn.Module):
    """128 columns in, two hidden layers of 512, 128 scores out.

    Attributes:
        checkpointing: whether a pass with gradients saves only its ends, and computes the middle again when asked.
        precision: of its weights.
    """

    def __init__(self, precision: Precision, device: str) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.checkpointing = False
        self.precision: Precision = precision
        self.first = _block(COLUMNS, HIDDEN, precision, device)
        self.second = _block(HIDDEN, HIDDEN, precision, device)
        self.head = layer(HIDDEN, COLUMNS, precision, device)

    def forward(self, x: Tensor) -> States:
        """The states of rows `x`, shape (rows, 128)."""
        x = x.half() if self.precision == "half" else x
        if self.checkpointing and torch.is_grad_enabled():
            second = checkpoint(lambda rows: self.second(self.first(rows)), x, use_reentrant=False)
            return States(x, second, self.head(second))
        first = self.first(x)
        second = self.second(first)
        return States(first, second, self.head(second))


def layer(inputs: int, outputs: int, precision: Precision, device: str) -> nn.Module:
    """One linear layer with random weights."""
    plain = nn.Linear(inputs, outputs, device=device)
    if precision == "half":
        return plain.half()
    if precision == "dynamic":
        return dynamically_quantized(plain)
    return Int8Linear(plain) if precision == "int8" else plain


def _block(inputs: int, outputs: int, precision: Precision, device: str) -> nn.Sequential:
    return nn.Sequential(layer(inputs, outputs, precision, device), nn.GELU())


class Int8Linear(nn.Module):
    """A linear layer whose weights are bytes, with one scale a row: a quarter of the memory, near the same scores."""

    weight: Tensor
    scale: Tensor
    bias: Tensor

    def __init__(self, plain: nn.Linear) -> None:
        super().__init__()
        weight = plain.weight.detach()
        scale = weight.abs().amax(dim=1, keepdim=True) / _STEPS
        self.register_buffer("weight", (weight / scale).round().to(torch.int8))
        self.register_buffer("scale", scale)
        self.register_buffer("bias", plain.bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        """`x` times the weights; they are widened for the product and let go of after it."""
        return nn.functional.linear(x, self.weight.to(x.dtype) * self.scale, self.bias)
