"""The order of many drills, as arithmetic: longest first, and alone what must be alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.scenario.reader import read_scenario

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DRILLS_PER_CORE: Final = 2.0
"""A drill waits most of its time: it uses a quarter of a core. But its load generator and its Prometheus must answer
within half a second, and on a machine that does other work besides, scrapes are missed and verdicts become UNKNOWN."""

_AROUND_S: Final = 15.0
"""Seconds that start-up and the end of a drill take beside its phases, on a busy machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDrill:
    """One drill that is to be run.

    Attributes:
        name: of the scenario.
        path: of its file.
        budget_s: the most that its phases may take, with start-up and end.
        exclusive: whether nothing else may run meanwhile.
        on: what its target runs on, instead of what the scenario says.
        allow: the Kubernetes context that it may change.
    """

    name: str
    path: Path
    budget_s: float
    exclusive: bool
    on: str | None = None
    allow: str | None = None


def planned(path: Path, on: str | None = None, allow: str | None = None) -> PlannedDrill:
    """The scenario in `path` as a drill of many, its target on `on`, in the context `allow`.

    Raises:
        BadInput: when it cannot be used.
    """
    scenario = read_scenario(path)
    phases = scenario.phases
    lengths = (phases.warmup, phases.baseline, phases.load, phases.mitigate if scenario.steps else 0.0, phases.recover)
    return PlannedDrill(
        name=scenario.name,
        path=path,
        budget_s=sum(lengths) + _AROUND_S,
        exclusive=scenario.exclusive,
        on=on,
        allow=allow,
    )


def default_jobs(cores: int | None = None) -> int:
    """Returns how many drills run at once on a machine with `cores`; left out: those that this process may use."""
    usable = cores if cores is not None else len(os.sched_getaffinity(0))
    return max(1, int(usable * DRILLS_PER_CORE))


def in_order(drills: Sequence[PlannedDrill]) -> list[PlannedDrill]:
    """Longest first, so that no long one is left for the end; what must be alone comes last, one after the other."""
    return sorted(drills, key=lambda drill: (drill.exclusive, -drill.budget_s, drill.name))


def may_start(drill: PlannedDrill, running: Sequence[PlannedDrill], *, jobs: int) -> bool:
    """Whether `drill` may be started beside those that run."""
    if drill.exclusive or any(other.exclusive for other in running):
        return not running
    return len(running) < jobs
