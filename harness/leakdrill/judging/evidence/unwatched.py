"""The times in which the platform did not answer, so that nobody saw what became of the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leakdrill.record.events import TargetUnwatched, TargetWatchedAgain
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from leakdrill.record.history import History


@dataclass(frozen=True, slots=True)
class Unwatched:
    """One such time.

    Attributes:
        since: what tells that it began.
        until_s: when the platform answered again and told how the target had fared; None when it did not.
    """

    since: TargetUnwatched
    until_s: float | None

    def __str__(self) -> str:
        until = "on" if self.until_s is None else f"to {show_duration(self.until_s)}"
        return f"from {show_duration(self.since.when)} {until} nobody could see it: {self.since.message}"


def unwatched(history: History) -> list[Unwatched]:
    """All such times, in order."""
    returns = [event.t for event in history.of(TargetWatchedAgain)]
    return [
        Unwatched(event, min((t for t in returns if t >= event.t), default=None))
        for event in history.of(TargetUnwatched)
    ]
