"""The states of one alert over time, from the samples that Prometheus wrote when it evaluated the rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

State = Literal["inactive", "pending", "firing", "resolved"]

_GAP: Final = 1.5
"""Two evaluations further apart than this many intervals have at least one between them that wrote no sample."""


@dataclass(frozen=True, slots=True)
class Transition:
    """An alert came into `state` at the evaluation at `epoch_s`."""

    state: State
    epoch_s: float


class Timeline:
    """The states of one alert, from samples that may be handed over late and more than once.

    `ALERTS` has a sample at each evaluation that found the alert pending or firing, and none at the one that found it
    gone. So an alert was gone at the evaluation after its last sample: one interval later.
    """

    def __init__(self) -> None:
        self.state: State = "inactive"
        self.last_s = float("-inf")

    @property
    def active(self) -> bool:
        """Whether it is pending or firing."""
        return self.state in ("pending", "firing")

    def add(
        self, samples: Sequence[tuple[float, State]], *, interval_s: float, was_gone: Callable[[float], bool]
    ) -> list[Transition]:
        """The transitions in `samples`, (evaluation time, state) in order of time; known ones are skipped.

        Args:
            samples: from `ALERTS`, of all its states.
            interval_s: between two evaluations of its group.
            was_gone: whether Prometheus had marked the alert as ended just before a time. A gap without such a mark
                is an evaluation that did not happen.
        """
        transitions: list[Transition] = []
        for when, state in samples:
            if when <= self.last_s:
                continue
            if self.active and when - self.last_s > _GAP * interval_s and was_gone(when):
                transitions.append(self.end(interval_s))
            if state != self.state:
                transitions.append(Transition(state, when))
            self.state, self.last_s = state, when
        return transitions

    def end(self, interval_s: float) -> Transition:
        """The transition at the alert's end: `resolved` when it had fired, else `inactive`."""
        self.state = "resolved" if self.state == "firing" else "inactive"
        return Transition(self.state, self.last_s + interval_s)
