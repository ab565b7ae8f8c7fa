"""Leaks of a scenario: the resource that grows on purpose, its unit, and the switch."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import (
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    WithJsonSchema,
    field_serializer,
    field_validator,
    model_validator,
)

from leakdrill import units
from leakdrill.resources import RESOURCES
from leakdrill.scenario.actions import HttpCall
from leakdrill.scenario.given_keys import at_most_one, equals, where
from leakdrill.scenario.quantities import DURATION, SIZE, SIZED, Frozen, Quantity, ResourceName


def _names(unit: str) -> str:
    """Returns the names of the resources that are counted in `unit`, as an enumeration."""
    *most, last = (name for name, resource in RESOURCES.items() if resource.unit == unit)
    return f"{', '.join(most)} and {last}" if most else last


_AMOUNT: Final = WithJsonSchema(
    {
        "anyOf": [{"type": "string"}, {"type": "number", "exclusiveMinimum": 0}],
        "examples": ["64KiB", 1, "15ms"],
        "description": f"a size for {_names('bytes')}; a number for {_names('count')}; a time for {_names('cores')}",
    }
)
Amount = Annotated[float, _AMOUNT, Quantity("amount", "a size, a number or a time, by the resource", "64KiB")]


def _amounts() -> list[dict[str, Any]]:
    """The way amounts are written, by the resource that grows, for the JSON Schema."""
    size, seconds = {"type": ["string", "null"], "pattern": SIZE}, {"type": ["string", "null"], "pattern": DURATION}
    number = {"type": ["number", "null"]}
    sized = {"per_request": size, "peak": size}
    rules = [where({"not": {"required": ["resource"]}}, {"properties": sized})]
    for name, resource in RESOURCES.items():
        counted = {"per_request": seconds if resource.is_rate else number, "peak": number}
        rules.append(where(equals("resource", name), {"properties": sized if name in SIZED else counted}))
    return rules


class Switch(Frozen):
    """The requests that switch a leak on and off."""

    on: HttpCall = Field(description="The request that switches it on.")
    off: HttpCall = Field(description="The request that switches it off.")


class Leak(Frozen):
    """A leak: a resource that grows on purpose."""

    model_config = ConfigDict(json_schema_extra={"allOf": [at_most_one(("per_request", "peak")), *_amounts()]})

    name: str = Field(description="The name of the leak.", examples=["unbounded_cache"])
    resource: ResourceName = Field("memory", description="The resource that it grows.")
    per_request: Amount | None = Field(
        None,
        description="Growth per completed request; for cpu, the additional seconds of CPU time. Left out, as is peak: "
        "it is measured, and must be more than a healthy service shows.",
    )
    peak: Amount | None = Field(
        None,
        description="Instead of per_request: how much higher the resource is while the leak is on; for cpu, in cores.",
        examples=["64MiB"],
    )
    switch: Switch | None = Field(
        None, description="How it is switched. Left out: POST /admin/leaks, as the sample services understand it."
    )
    stops: Literal["first_step", "recover", "never"] = Field(
        "recover", description="When the cause ends: when the first step begins, when recovery begins, or never."
    )

    @field_validator("per_request", "peak", mode="before")
    @classmethod
    def _amount(cls, value: Any, info: ValidationInfo) -> float | None:
        if value is None:
            return None
        resource = info.data.get("resource", "memory")
        if resource in SIZED:
            return units.parse_size(value)
        if RESOURCES[resource].is_rate and info.field_name == "per_request":
            return units.parse_duration(value)
        return parse_count(value)

    @field_validator("per_request", "peak")
    @classmethod
    def _above_nothing(cls, value: float | None) -> float | None:
        if value is not None and value <= 0:
            raise ValueError("expected more than nothing")
        return value

    @model_validator(mode="after")
    def _one_of(self) -> Leak:
        if self.per_request is not None and self.peak is not None:
            raise ValueError("expected at most one of per_request and peak")
        return self

    @field_serializer("per_request", "peak", mode="wrap")
    def _written_with_unit(self, value: float | None, handler: SerializerFunctionWrapHandler, info: Any) -> Any:
        if value is None:
            return None
        if self.resource in SIZED:
            return f"{units.plain(value)}B"
        if RESOURCES[self.resource].is_rate and info.field_name == "per_request":
            return f"{units.plain(value)}s"
        return handler(value)

    @property
    def is_measured(self) -> bool:
        """Whether no amount is declared: what it grows by per request is measured."""
        return self.per_request is None and self.peak is None

    @property
    def declared(self) -> float:
        """The amount that is given: growth per request, or the height of the peak; 0 where it is measured."""
        return self.peak or self.per_request or 0.0


def parse_count(value: object) -> float:
    """A plain number.

    Raises:
        ValueError: when it is none, or has a unit.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{units.quoted(value)} is not a number; expected a plain number, such as 1 or 0.5")  # noqa: TRY004 - pydantic turns only ValueError into a message
    return float(value)
