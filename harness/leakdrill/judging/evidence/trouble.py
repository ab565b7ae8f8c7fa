"""Something that went wrong beside the service, and may explain a failure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is not the service's doing, or may not be.

    Attributes:
        text: one clause for a person.
        at_s: when it began.
        events: what says so.
        excuses: whether what fails because of it must not be laid on the service.
    """

    text: str
    at_s: float
    events: tuple[int, ...]
    excuses: bool = True
