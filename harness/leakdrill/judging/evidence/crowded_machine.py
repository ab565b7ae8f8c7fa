"""Whether the machine that a drill ran on had CPU time for it, or others took it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.resource_series import resource_series
from leakdrill.record.events import MachineCpu

if TYPE_CHECKING:
    from leakdrill.judging.evidence.windows import Span
    from leakdrill.record.history import History

_IDLE_SHARE: Final = 0.05
"""With more of the machine's CPU time unused, whoever wanted some got it."""

_OTHERS_SHARE: Final = 0.6
"""The drill's own load, Prometheus and meters take less than this of any machine that a drill is made for."""


@dataclass(frozen=True, slots=True)
class Crowded:
    """CPU time that was not there.

    Attributes:
        cpus: of the machine.
        service: cores that the service got, in the mean.
        others: cores that others got, other virtual machines among them.
        events: the readings that say so, the first and the last.
    """

    cpus: float
    service: float
    others: float
    events: tuple[int, int]

    def __str__(self) -> str:
        return (
            f"the machine had no CPU time left: of its {self.cpus:.0f} CPUs, others took {self.others:.2g} and the "
            f"service got {self.service:.2g}"
        )


def crowded(history: History, span: Span) -> Crowded | None:
    """How others crowded the service out in `span`, taken as a whole; None where they did not, or nobody read it."""
    read = [event for event in history.of(MachineCpu) if event.cpus and span.start_s <= event.t <= span.end_s]
    if len(read) < 2:  # noqa: PLR2004 - a count says something from its second reading on
        return None
    first, last = read[0], read[-1]
    took_s = last.t - first.t
    counts = [(one.used_seconds, one.idle_seconds, one.stolen_seconds) for one in (first, last)]
    if took_s <= 0 or any(count is None for one in counts for count in one):
        return None
    used, idle, stolen = (np.asarray(counts[1], dtype=float) - np.asarray(counts[0], dtype=float)) / took_s
    cores = resource_series(history, "cpu").between(first.t, last.t).values
    service = float(cores.mean()) if len(cores) else 0.0
    cpus, others = last.cpus or 1.0, float(used + stolen) - service
    if idle > _IDLE_SHARE * cpus or others < _OTHERS_SHARE * cpus:
        return None
    return Crowded(cpus, service, others, (first.index, last.index))
