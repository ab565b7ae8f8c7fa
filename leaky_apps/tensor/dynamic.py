"""Dynamic quantization, as torch itself does it: weights as bytes, and inputs quantized anew in every pass.

Torch has it for the processor only, and warns that a later release will have it no more, in favour of torchao. The
packed weights belong to the library that multiplies them: they are no tensors, so torch counts them nowhere, and what
they take shows in the memory of the process.
"""

from __future__ import annotations

import gc
import warnings
from typing import TYPE_CHECKING, cast

import torch
from torch import nn
from torch.ao.quantization import quantize_dynamic

if TYPE_CHECKING:
    from collections.abc import Callable


def dynamically_quantized(plain: nn.Linear) -> nn.Module:
    """The layer with its weights packed as bytes. It computes no gradients."""
    quantize = cast("Callable[..., nn.Module]", quantize_dynamic)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "torch.ao.quantization is deprecated", DeprecationWarning)
        warnings.filterwarnings("ignore", "torch.quantize_per_tensor", UserWarning)
        packed = quantize(nn.Sequential(plain), {nn.Linear}, dtype=torch.qint8)
    gc.collect(0)  # torch leaves a copy of the layer as it was in a cycle, and here nobody else collects
    return packed
