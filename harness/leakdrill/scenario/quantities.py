"""Quantities of a scenario: written with their unit, kept as bare numbers; and what all its parts are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

from leakdrill import units
from leakdrill.resources import RESOURCES, held_by

if TYPE_CHECKING:
    ResourceName = str
else:
    ResourceName = Literal[tuple(RESOURCES)]
"""Names one of the registered resources."""

TORCH: Final = held_by("torch")
"""What tensors hold, what torch's allocator took from the device, what of the device is in use."""

SIZED: Final = frozenset(name for name, resource in RESOURCES.items() if resource.unit == "bytes")
"""Resources that are counted in bytes; the others are counted in files, threads and cores."""


def _quantity(parse: Any, example: str, pattern: str, help_text: str) -> list[Any]:
    """The pydantic parts of a number that is written with its unit and kept as a bare number."""
    schema = {"type": "string", "pattern": pattern, "examples": [example], "description": help_text}
    return [BeforeValidator(parse), WithJsonSchema(schema)]


def _as(unit: str) -> PlainSerializer:
    return PlainSerializer(lambda number: f"{number:.12g}{unit}", return_type=str)


_NUMBER = r"^\d+(\.\d+)?"
Duration = Annotated[
    float,
    *_quantity(units.parse_duration, "5m", r"^(\d+(\.\d+)?(ms|s|m|h|d|w))+$", units.DURATION_HELP),
    _as("s"),
]
Size = Annotated[int, *_quantity(units.parse_size, "256MiB", _NUMBER + r" ?[kKMGT]?i?B$", units.SIZE_HELP), _as("B")]
Rate = Annotated[float, *_quantity(units.parse_rate, "50/s", _NUMBER + r" ?/ ?(s|m|h)$", units.RATE_HELP), _as("/s")]
Share = Annotated[
    float,
    *_quantity(units.parse_share, "10%", _NUMBER + r" ?%$", units.SHARE_HELP),
    PlainSerializer(lambda ratio: f"{ratio * 100:.12g}%", return_type=str),
]


class Frozen(BaseModel):
    """A part of a scenario: immutable, and unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)
