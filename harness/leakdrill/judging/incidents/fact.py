"""A fact of a document: what the record says, or that it says nothing, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact, which a template shows as its text.

    Attributes:
        text: for people; where nothing is known, `unknown` with the reason in parentheses.
        value: a number in the unit that the fact's name says, or None where there is none.
        reason: why it is unknown; empty where it is known.
    """

    text: str
    value: float | None = None
    reason: str = ""

    def __str__(self) -> str:
        """The text."""
        return self.text

    @property
    def known(self) -> bool:
        """Whether the record says it."""
        return not self.reason

    def as_dict(self) -> dict[str, Any]:
        """The fact as data for machines."""
        value = round(self.value, 3) if self.value is not None else None
        return {"text": self.text if self.known else None, "value": value, "unknown": self.reason or None}


def unknown(reason: str) -> Fact:
    """A fact that the record does not hold, for `reason`."""
    return Fact(f"unknown ({reason})", None, reason)
