"""The average time to resolve, measured over runs of the same kind. What did not resolve is counted, not averaged."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from leakdrill.judging.incidents.fact import Fact, unknown
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.judging.incidents.incident import Incident


@dataclass(frozen=True, slots=True)
class ResolutionTimes:
    """The times of the runs of one runbook, or of one scenario, on one platform and at one time scale.

    Attributes:
        name: the scenario, or the runbook and its option.
        platform: what the runs were on.
        time_scale: how many times as fast as in production the rules ran.
        runs: every run, in the order of their start.
        resolved: how many of them resolved.
        mean: the mean of those, in seconds; so are the others.
        median: the median.
        shortest: the shortest.
        longest: the longest.
    """

    name: str
    platform: str
    time_scale: float
    runs: tuple[Incident, ...]
    resolved: int
    mean: Fact
    median: Fact
    shortest: Fact
    longest: Fact

    def as_dict(self) -> dict[str, Any]:
        """The facts as data for machines."""
        figures = ("mean", "median", "shortest", "longest")
        return {
            "name": self.name,
            "platform": self.platform,
            "time_scale": self.time_scale,
            "runs": [run.run_id for run in self.runs],
            "resolved": self.resolved,
            **{figure: getattr(self, figure).as_dict() for figure in figures},
        }


def resolution_times(incidents: Sequence[Incident]) -> list[ResolutionTimes]:
    """The times of `incidents`, those of one kind together: control runs, platforms and time scales are kept apart."""
    groups: dict[tuple[str, str, float], list[Incident]] = {}
    for one in sorted(incidents, key=lambda one: one.started):
        name = f"{one.name}, without {one.without}" if one.without else one.name
        groups.setdefault((name, one.platform, one.time_scale), []).append(one)
    return [_times(*key, runs) for key, runs in groups.items()]


def _times(name: str, platform: str, time_scale: float, runs: Sequence[Incident]) -> ResolutionTimes:
    times = [one.resolution.value for one in runs if one.resolution.value is not None]
    none = unknown(f"none of {len(runs)} runs resolved")

    def figure(seconds: float) -> Fact:
        return Fact(show_duration(seconds), seconds)

    return ResolutionTimes(
        name=name,
        platform=platform,
        time_scale=time_scale,
        runs=tuple(runs),
        resolved=len(times),
        mean=figure(fmean(times)) if times else none,
        median=figure(median(times)) if times else none,
        shortest=figure(min(times)) if times else none,
        longest=figure(max(times)) if times else none,
    )
