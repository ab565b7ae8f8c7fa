"""The GPUs that a target computes on: which NVML reads, and how much of their memory other processes may hold."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from leakdrill.scenario.quantities import Frozen, Share, WholeNumber, YesOrNo

Device = Annotated[WholeNumber, Field(ge=0)] | Annotated[str, Field(pattern="^(GPU|MIG)-")]


class Gpu(Frozen):
    """The GPUs that the target uses; NVML reads them, and the target gets them as CUDA_VISIBLE_DEVICES."""

    devices: list[Device] = Field(
        [0], min_length=1, description="Indices as nvidia-smi shows them, or UUIDs; a MIG slice by its UUID."
    )
    others: Share = Field(0.05, description="The share of each GPU's memory that other processes may hold.")
    required: YesOrNo = Field(
        default=True, description="false: without a driver or such a GPU, the drill runs and claims nothing about it."
    )

    @property
    def environment(self) -> dict[str, str]:
        """The variables that tell CUDA the same GPUs, in the order in which NVML counts them."""
        return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": ",".join(map(str, self.devices))}
