"""One request under torch's own profiler."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import torch
from torch.profiler import ProfilerActivity, profile

if TYPE_CHECKING:
    from leaky_apps.tensor.inference import Inference
    from leaky_apps.tensor.order import Order


async def profiled(inference: Inference, order: Order) -> str:
    """The ten operations of `order` that took most memory, as a table; also when the card was too full to finish it."""
    cuda = torch.cuda.is_available()
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    with profile(activities=activities, profile_memory=True) as seen, contextlib.suppress(torch.OutOfMemoryError):
        await inference.answer(order)
    column = "self_device_memory_usage" if cuda else "self_cpu_memory_usage"
    return str(seen.key_averages().table(sort_by=column, row_limit=10))
