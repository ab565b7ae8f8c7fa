"""Expectations of a scenario besides alerts and steps: margins of the return to baseline, error rate, latency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from leakdrill.scenario.quantities import Duration, Frozen, Resource, Share, Size

if TYPE_CHECKING:
    from collections.abc import Mapping


class Baseline(Frozen):
    """The margin within which a resource counted in bytes must return to its baseline."""

    level: Share = Field(
        0.10, description="How far the level may stay away: a share of the memory at baseline, or of the disk's size."
    )
    slope: Size = Field(1024, description="How many bytes each request may still add.")


class CountBaseline(Frozen):
    """The margin within which a number of files or threads must return to its baseline."""

    level: Share = Field(
        0.10, description="How far the number may stay away: a share of the number at baseline, and at least 4."
    )
    slope: Annotated[float, Field(ge=0)] = Field(0.02, description="How many each request may still add.")


class CpuBaseline(Frozen):
    """The margin within which the use of CPU must return to its baseline."""

    level: Share = Field(
        0.10,
        description="How far the use of CPU may stay away: a share of the limit, or of one core where there is none.",
    )


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
    """Expectations besides the alerts and the steps.

    A resource that is left out is checked when a leak grows it; `null` turns the check off.
    """

    memory: Baseline | None = Field(
        Baseline(), description="How close memory must come back; always checked, unless it is null."
    )
    disk: Baseline | None = Field(None, description="How close the use of the disk must come back.")
    gpu_memory: Baseline | None = Field(None, description="How close GPU memory must come back.")
    descriptors: CountBaseline | None = Field(None, description="How close the number of open files must come back.")
    threads: CountBaseline | None = Field(None, description="How close the number of threads must come back.")
    cpu: CpuBaseline | None = Field(None, description="How close the use of CPU must come back.")
    torch_allocated: Baseline | None = Field(None, description="How close the memory that tensors hold must come back.")
    torch_reserved: Baseline | None = Field(
        None, description="How close the memory that torch's allocator reserves must come back."
    )
    torch_device: Baseline | None = Field(None, description="How close the device's memory in use must come back.")
    error_rate: Share = Field(0.01, description="Failed requests outside the steps' windows, as a share of all.")
    p99: Duration = Field(
        0.5,
        description="The latency allowed: the median, outside the steps' windows, of each second's 99th percentile.",
    )
    step_errors: Share = Field(1.0, description="Failed requests while a step is carried out, as a share.")
    oom_kills: int = Field(0, ge=0, description="How many OOM kills are allowed.")

    @model_serializer(mode="wrap")
    def _left_out_stays_left_out(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        return {name: value for name, value in written.items() if value is not None or name in self.model_fields_set}
