"""Expectations of a scenario besides alerts and steps: margins of the return to baseline, error rate, latency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from leakdrill.scenario.quantities import Duration, Frozen, Resource, Share, Size

if TYPE_CHECKING:
    from collections.abc import Mapping


class Baseline(Frozen):
    """How close to its baseline a resource that is counted in bytes must come back."""

    level: Share = Field(0.10, description="margin of the level: of the memory at baseline, of the disk's size")
    slope: Size = Field(1024, description="margin of the slope: bytes per request still growing")


class CountBaseline(Frozen):
    """How close to its baseline a number of files or threads must come back."""

    level: Share = Field(0.10, description="margin of the level: of the number at baseline, and at least 4")
    slope: Annotated[float, Field(ge=0)] = Field(0.02, description="margin of the slope: per request still growing")


class CpuBaseline(Frozen):
    """How close to its baseline the use of CPU must come back."""

    level: Share = Field(0.10, description="margin of the level: of the limit, or where there is none of one core")


Margin = Baseline | CountBaseline | CpuBaseline


MARGINS: Final[Mapping[Resource, Margin]] = {
    "memory": Baseline(),
    "disk": Baseline(),
    "gpu_memory": Baseline(),
    "descriptors": CountBaseline(),
    "threads": CountBaseline(),
    "cpu": CpuBaseline(),
    "torch_allocated": Baseline(),
    "torch_reserved": Baseline(),
    "torch_device": Baseline(),
}


class Expect(Frozen):
    """What must hold besides the alerts and the steps.

    A resource that is left out is checked when a leak grows it; `null` turns the check off.
    """

    memory: Baseline | None = Field(Baseline(), description="always checked, unless it is null")
    disk: Baseline | None = None
    gpu_memory: Baseline | None = None
    descriptors: CountBaseline | None = None
    threads: CountBaseline | None = None
    cpu: CpuBaseline | None = None
    torch_allocated: Baseline | None = None
    torch_reserved: Baseline | None = None
    torch_device: Baseline | None = None
    error_rate: Share = Field(0.01, description="of all requests outside the steps' own windows")
    p99: Duration = Field(0.5, description="median of the 99th percentiles of each second outside the steps' windows")
    step_errors: Share = Field(1.0, description="failed requests while a step is carried out, as a share")
    oom_kills: int = Field(0, ge=0)

    @model_serializer(mode="wrap")
    def _left_out_stays_left_out(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        return {name: value for name, value in written.items() if value is not None or name in self.model_fields_set}
