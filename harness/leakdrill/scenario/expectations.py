"""Expectations of a scenario besides alerts and steps: margins of the return to baseline, error rate, latency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, SerializerFunctionWrapHandler, create_model, model_serializer

from leakdrill.resources import RESOURCES
from leakdrill.scenario.quantities import Duration, Frozen, Share, Size

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


_BY_UNIT: Final[Mapping[str, type[Margin]]] = {"bytes": Baseline, "count": CountBaseline, "cores": CpuBaseline}

MARGINS: Final[Mapping[str, Margin]] = {name: _BY_UNIT[resource.unit]() for name, resource in RESOURCES.items()}
"""The margins of each resource where a scenario gives none."""


def _keys() -> dict[str, Any]:
    """Returns the key of each resource under `expect`: its type, and its default."""
    always = "always checked, unless it is null"
    return {
        name: (type(margin) | None, Field(margin, description=always) if RESOURCES[name].always_checked else None)
        for name, margin in MARGINS.items()
    }


if TYPE_CHECKING:
    _Margins = Frozen
else:
    _Margins = create_model("_Margins", __base__=Frozen, **_keys())


class Expect(_Margins):
    """What must hold besides the alerts and the steps.

    A resource that is left out is checked when a leak grows it; `null` turns the check off.
    """

    error_rate: Share = Field(0.01, description="of all requests outside the steps' own windows")
    p99: Duration = Field(0.5, description="median of the 99th percentiles of each second outside the steps' windows")
    step_errors: Share = Field(1.0, description="failed requests while a step is carried out, as a share")
    oom_kills: int = Field(0, ge=0)

    @model_serializer(mode="wrap")
    def _left_out_stays_left_out(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        return {name: value for name, value in written.items() if value is not None or name in self.model_fields_set}
