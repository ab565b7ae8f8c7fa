"""What was seen to keep something from happening: an alert from firing, a notification from arriving."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause.

    Attributes:
        text: a clause of the verdict's message.
        hint: what to do next.
        events: that show it.
        is_certain: whether it really did not happen, or happened too late; else nobody can say.
    """

    text: str
    hint: str
    events: tuple[int, ...]
    is_certain: bool = True
