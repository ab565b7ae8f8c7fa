"""Quantities of a scenario: written with their unit, kept as bare numbers; and the base of all its models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    Strict,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.json_schema import GenerateJsonSchema

from leakdrill import units
from leakdrill.resources import RESOURCES, held_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema
    from pydantic_core.core_schema import WithDefaultSchema

    ResourceName = str
else:
    ResourceName = Literal[tuple(RESOURCES)]
"""Names one of the registered resources."""

TORCH: Final = held_by("torch")
"""The resources that torch reports: memory of tensors, memory that its allocator reserved, device memory in use."""

SIZED: Final = frozenset(name for name, resource in RESOURCES.items() if resource.unit == "bytes")
"""Resources that are counted in bytes; the others are counted in files, threads and cores."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """The way a value is written: the mark of a type in the reference of the scenario file."""

    name: str
    unit: str
    example: str
    show: Callable[[Any], str] = str


def _quantity(parse: Any, pattern: str, help_text: str, quantity: Quantity) -> list[Any]:
    """The pydantic parts of a number that is written with its unit and kept as a bare number."""
    schema = {"type": "string", "pattern": pattern, "examples": [quantity.example], "description": help_text}
    return [
        BeforeValidator(parse),
        WithJsonSchema(schema),
        PlainSerializer(quantity.show, return_type=str),
        quantity,
    ]


_NUMBER = r"^\s*[0-9]{1,300}(\.[0-9]+)?"
DURATION: Final = r"^\s*([0-9]{1,300}(\.[0-9]+)?(ms|s|m|h|d|w)){1,6}\s*$"
SIZE: Final = _NUMBER + r"\s*([KMGT]iB|[kKMGT]?B)\s*$"
"""How durations and sizes are written, for the JSON Schema."""
_DURATION = Quantity("duration", "ms, s, m, h, d or w", "5m", lambda seconds: f"{units.plain(seconds)}s")
_BYTES = Quantity("size", "B, KiB, MiB, GiB, TiB, kB, MB, GB or TB", "256MiB", lambda count: f"{units.plain(count)}B")
_RATE = Quantity("rate", "/s, /m or /h", "50/s", lambda per_second: f"{units.plain(per_second)}/s")
_SHARE = Quantity("share", "%", "10%", lambda ratio: f"{units.plain(float(f'{ratio * 100:.12g}'))}%")

Duration = Annotated[float, *_quantity(units.parse_duration, DURATION, units.DURATION_HELP, _DURATION)]
Size = Annotated[int, *_quantity(units.parse_size, SIZE, units.SIZE_HELP, _BYTES)]
Rate = Annotated[float, *_quantity(units.parse_rate, _NUMBER + r"\s*/\s*(s|m|h)\s*$", units.RATE_HELP, _RATE)]
Share = Annotated[float, *_quantity(units.parse_share, _NUMBER + r"\s*%\s*$", units.SHARE_HELP, _SHARE)]


def _counts_something(number: int) -> int:
    if abs(number) > _MOST:
        raise ValueError("is too large; expected a number that counts something")
    return number


WholeNumber = Annotated[int, Strict(), AfterValidator(_counts_something)]
AnyNumber = Annotated[float, Strict()]
YesOrNo = Annotated[bool, Strict()]
"""Plain numbers, and true or false: as YAML has them, and not in quotes."""


_MOST: Final = 1 << 53
"""Whole numbers that every reader of JSON can tell apart; no more than these are written."""


class AsWritten(GenerateJsonSchema):
    """Writes the JSON Schema of a scenario file, in which defaults have their units, too."""

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        """The schema of a field with a default; one that is a quantity is written as people write it."""
        told = super().default_schema(schema)
        written = schema["schema"].get("serialization", {})
        if told.get("default") is not None and written.get("type") == "function-plain":
            told["default"] = written["function"](schema["default"])
        return told


_LABEL_NAME = r"^([^_]|_[^_]|_$)"
SeriesLabelMap = Annotated[
    dict[Annotated[str, StringConstraints(pattern=_LABEL_NAME)], str],
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": {"pattern": _LABEL_NAME},
            "additionalProperties": {"type": "string"},
        }
    ),
]
"""Labels of published series: any text, but for what Prometheus keeps for itself, which begins with `__`."""


@dataclass(frozen=True, slots=True)
class AlsoAsText:
    """Says in the JSON Schema that a mapping may be written in short, as text."""

    example: str
    pattern: str = ""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema of either."""
        pattern = {"pattern": self.pattern} if self.pattern else {}
        return {"anyOf": [{"type": "string", **pattern, "examples": [self.example]}, handler(schema)]}


class Frozen(BaseModel):
    """A part of a scenario: immutable, and unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False, allow_inf_nan=False)
