"""Expectations of a scenario besides alerts and steps: margins of the return to baseline, error rate, latency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, SerializerFunctionWrapHandler, create_model, model_serializer

from leakdrill.resources import RESOURCES
from leakdrill.scenario.quantities import AnyNumber, Duration, Frozen, Share, Size, WholeNumber

if TYPE_CHECKING:
    from collections.abc import Mapping


class Baseline(Frozen):
    """The margin within which a resource counted in bytes must return to its baseline."""

    level: Share = Field(
        0.10,
        description="How far the level may stay away: a share of the memory at baseline, and at least 2 MiB, "
        "or a share of the disk's size.",
    )
    slope: Size = Field(1024, description="How many bytes each request may still add.")


class CountBaseline(Frozen):
    """The margin within which a number of files or threads must return to its baseline."""

    level: Share = Field(
        0.10, description="How far the number may stay away: a share of the number at baseline, and at least 4."
    )
    slope: Annotated[AnyNumber, Field(ge=0)] = Field(0.02, description="How many each request may still add.")


class CpuBaseline(Frozen):
    """The margin within which the use of CPU must return to its baseline."""

    level: Share = Field(
        0.10,
        description="How far the use of CPU may stay away: a share of the limit, or of one core where there is none.",
    )


Margin = Baseline | CountBaseline | CpuBaseline


_BY_UNIT: Final[Mapping[str, type[Margin]]] = {"bytes": Baseline, "count": CountBaseline, "cores": CpuBaseline}

MARGINS: Final[Mapping[str, Margin]] = {name: _BY_UNIT[resource.unit]() for name, resource in RESOURCES.items()}
"""The margins of each resource where a scenario gives none."""


def _keys() -> dict[str, Any]:
    """Returns the key of each resource under `expect`: its type, and its default."""
    return {
        name: (
            type(margin) | None,
            Field(margin if RESOURCES[name].always_checked else None, description=_sentence(name)),
        )
        for name, margin in MARGINS.items()
    }


def _sentence(name: str) -> str:
    checked = "always checked unless it is null" if RESOURCES[name].always_checked else "checked when a leak grows it"
    return f"How closely `{name}` must return to {RESOURCES[name].its} baseline; {checked}."


if TYPE_CHECKING:
    _Margins = Frozen
else:
    _Margins = create_model("_Margins", __base__=Frozen, **_keys())


class Expect(_Margins):
    """Expectations besides the alerts and the steps.

    A resource that is left out is checked when a leak grows it; `null` turns the check off.
    """

    error_rate: Share = Field(0.01, description="Failed requests outside the steps' windows, as a share of all.")
    p99: Duration = Field(
        0.5,
        description="The latency allowed: the median, outside the steps' windows, of each second's 99th percentile.",
    )
    step_errors: Share = Field(1.0, description="Failed requests while a step is carried out, as a share of all.")
    oom_kills: WholeNumber = Field(0, ge=0, description="How many OOM kills are allowed.")

    @model_serializer(mode="wrap")
    def _left_out_stays_left_out(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        return {name: value for name, value in written.items() if value is not None or name in self.model_fields_set}
