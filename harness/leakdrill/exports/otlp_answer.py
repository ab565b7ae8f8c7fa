"""What an OTLP endpoint answers to a trace: nothing, or how many of its spans it did not take."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AliasChoices, BeforeValidator, ConfigDict, Field

from leakdrill.code_hosts.answer import Answer, Part

_MOST: Final = 2**63
_MOST_DIGITS: Final = len(str(_MOST))


def _whole(value: object) -> object:
    """A 64-bit number, which JSON of protobuf may write as text."""
    is_number = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _MOST_DIGITS
    return int(value) if is_number and isinstance(value, str) else 0 if value is None else value


class PartialSuccess(Part):
    """How many spans were not taken, and why; a reason without any is a warning."""

    rejected_spans: Annotated[int, BeforeValidator(_whole), Field(ge=0, lt=_MOST)] = Field(
        0, validation_alias=AliasChoices("rejectedSpans", "rejected_spans")
    )
    error_message: str | None = Field(None, validation_alias=AliasChoices("errorMessage", "error_message"))


class ExportAnswer(Part):
    """The whole of the answer: nothing else can be in it, so that what some proxy says is not taken for success."""

    model_config = ConfigDict(extra="forbid")

    partial_success: PartialSuccess | None = Field(
        None, validation_alias=AliasChoices("partialSuccess", "partial_success")
    )


EXPORTED: Final[Answer[ExportAnswer]] = Answer(ExportAnswer, "an OTLP answer: {}, or partialSuccess alone")
