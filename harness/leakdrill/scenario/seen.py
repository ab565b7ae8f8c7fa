"""The effect of a step that must show on the target."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, field_serializer, model_validator

from leakdrill import units
from leakdrill.scenario.given_keys import at_most_one
from leakdrill.scenario.quantities import SIZE, Duration, Frozen, Quantity, ResourceName, Share

EFFECTS: Final = ("falls_by", "falls_below", "slows_by", "stays_within", "nothing")


DEFAULT_FALL: Final = 0.5
"""The share of the growth that must go away where a step names no effect."""


def _parse_level(value: object) -> int | float:
    """Bytes of a size as int, or a plain number as float: so each is written again as it was read."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return units.parse_size(value)
    return float(value)


Level = Annotated[
    int | float,
    BeforeValidator(_parse_level),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": SIZE}, {"type": "number"}], "examples": ["100MiB", 40]}),
    Quantity("level", "a size or a number, by the resource", "100MiB"),
]


class Seen(Frozen):
    """The effect that must show on the target after a step; by default half of the growth must be gone."""

    model_config = ConfigDict(json_schema_extra=at_most_one(EFFECTS))

    metric: ResourceName | None = Field(None, description="What is measured. Left out: the resource of the first leak.")
    falls_by: Share | None = Field(
        None, description="The share of the growth since baseline that must go away; 50% when nothing else is given."
    )
    falls_below: Level | None = Field(
        None, description="The level that it must fall below: a size for memory and disk, else a number."
    )
    slows_by: Share | None = Field(
        None, description="By how much growth per second must slow down, as a share of the growth before the step."
    )
    stays_within: Share | None = Field(
        None, description="For a step that must not cure: the most of the growth that may go away."
    )
    nothing: Literal[True] | None = Field(
        None, description="For a diagnosis: it must be carried out, and the service must go on serving."
    )
    within: Duration = Field(5.0, description="How soon the effect must show.")

    @model_validator(mode="after")
    def _one_of(self) -> Seen:
        given = [name for name in EFFECTS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"expected one of {', '.join(EFFECTS)}; found {', '.join(given)}")
        return self

    @field_serializer("falls_below")
    def _as_written(self, value: float | None) -> str | float | None:
        return f"{value}B" if isinstance(value, int) else value

    @property
    def effect(self) -> str:
        """The one of `EFFECTS` that is asked for."""
        return next((name for name in EFFECTS if getattr(self, name) is not None), "falls_by")

    @property
    def least_fall(self) -> float:
        """The share of the growth that must go away."""
        return DEFAULT_FALL if self.falls_by is None else self.falls_by
