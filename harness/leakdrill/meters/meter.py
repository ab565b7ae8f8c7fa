"""The protocol of a meter: one source, read again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from leakdrill.record.event_class import Reading


class Meter(Protocol):
    """Reads one source.

    Attributes:
        every: read on each tick of the sampler (1), or on every n-th, for what is dear to read.
    """

    every: int

    @property
    def event(self) -> type[Reading]:
        """The class of the events that the readings become."""

    def read(self) -> dict[str, float] | None:
        """Named numbers, units in the names; None when there is nothing to read now (the target is down)."""


@runtime_checkable
class Alone(Protocol):
    """A meter whose source may hang for seconds, as a driver does: it is read on a thread of its own.

    Attributes:
        alone: says only that it is one.
    """

    alone: bool


@runtime_checkable
class Closable(Protocol):
    """A meter that keeps files or connections open between readings."""

    def close(self) -> None:
        """Let go of them; the meter is not read again."""
