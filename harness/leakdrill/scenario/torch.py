"""PyTorch's own view of its memory: where a service shows it, and what is expected of it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from leakdrill.scenario.quantities import Frozen


class Torch(Frozen):
    """PyTorch's allocator as the service reports it. Where this is given, all three of its figures are judged.

    They are resources like memory and disk: `torch_allocated` is what tensors hold, `torch_reserved` what the allocator
    has taken from the device, `torch_device` what of the device is in use.
    """

    path: str = Field(
        "/debug/memory",
        pattern="^/",
        description="Answers GET with torch.cuda.memory_stats() as JSON, itself or under `torch`; `device_used_bytes` "
        "beside it is the device's memory in use.",
    )
    snapshot: str | None = Field(
        None,
        pattern="^/",
        description="Answers GET with torch's memory snapshot as JSON; kept when the drill fails, and the verdict "
        "names the code that holds most.",
        examples=["/debug/snapshot"],
    )
    out_of_memory: Literal["never", "survived"] | None = Field(
        None,
        description="never: memory must not run out; survived: it must, and the service must go on answering. Left "
        "out: not judged.",
    )
