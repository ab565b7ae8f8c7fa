"""The cards that a target computes on: which NVML reads, and how far other processes may hold memory of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from leakdrill.scenario.quantities import Frozen, Share

Device = Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern="^(GPU|MIG)-")]


class Gpu(Frozen):
    """Which cards the target uses. They are read by NVML, and the target is told them as CUDA_VISIBLE_DEVICES."""

    devices: list[Device] = Field(
        [0],
        min_length=1,
        description="indices as nvidia-smi shows them, or UUIDs; a MIG slice by its UUID",
    )
    others: Share = Field(
        0.05, description="of each card's memory: what processes that are not the target's may hold of it"
    )
    required: bool = Field(
        default=True, description="false: where there is no driver or no such card, nothing is claimed of it"
    )

    @property
    def environment(self) -> dict[str, str]:
        """What tells CUDA the same cards, in the order in which NVML counts them."""
        return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": ",".join(map(str, self.devices))}
