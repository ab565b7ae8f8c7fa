"""Whether a load was spread over the replicas that were to share it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.check import Case, Check
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.evidence.windows import step_runs, watched_until_s
from leakdrill.record.events import ReplicaRequestCounts, TargetReady
from leakdrill.units import show_count, show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

LEAST_SHARE: Final = 0.5
"""The least part of an even share: round-robin over names that are looked up each second is not exact."""

_SETTLED_S: Final = 3.0
"""The time that a load balancer may take to find replicas that have just come."""

_LEAST_WINDOW_S: Final = 2.0
_LEAST_REQUESTS: Final = 20


def load_is_spread(history: History, *, scenario: Scenario, replicas: int) -> Verdict:
    """Whether each of `replicas` answered at least half of an even share, by its own count.

    From three seconds after they were there until the next step, or the end of the watch. UNKNOWN when a replica was
    not read, or too few requests came.
    """
    claim = Claim("load_is_spread", show_count(replicas, "replica"))
    start_s, end_s = _window(history, scenario, replicas)
    if np.isfinite(start_s) and end_s - start_s < _LEAST_WINDOW_S:
        return claim.unknown(
            f"nothing longer than {show_duration(max(0.0, end_s - start_s))} was watched once "
            f"{show_count(replicas, 'replica')} had "
            "settled",
            hint="let `seen.within` of that step, or `phases.recover`, last longer",
        )
    read = [event for event in history.of(ReplicaRequestCounts) if event.values and start_s <= event.t <= end_s]
    if len(read) < 2:  # noqa: PLR2004 - a difference needs two
        return claim.unknown(
            "the replicas' own counts of requests were not read",
            hint="expected target.metrics with http_requests_total",
        )
    answered = _answered(read)
    total, numbers = sum(answered.values()), {f"requests_{name}": count for name, count in answered.items()}
    events = [read[0].index, read[-1].index]
    counts = ", ".join(f"{name}: {count:.0f}" for name, count in sorted(answered.items()))
    if total < _LEAST_REQUESTS * replicas:
        return claim.unknown(
            f"too few requests to tell ({counts})", numbers=numbers, events=events, hint="let the load last longer"
        )
    even = total / replicas
    if len(answered) < replicas or min(answered.values()) < LEAST_SHARE * even:
        return claim.fails(
            f"the load was not spread over {show_count(replicas, 'replica')}: {counts}; an even share is {even:.0f}",
            numbers=numbers,
            events=events,
            hint="does the proxy in front resolve its upstream again, and does it let go of old connections?",
        )
    return claim.holds(f"{counts}; an even share is {even:.0f}", numbers=numbers, events=events)


def _window(history: History, scenario: Scenario, replicas: int) -> tuple[float, float]:
    scaled = [step.name for step in scenario.steps if step.scale is not None and step.scale.replicas == replicas]
    runs = step_runs(history)
    ended_s = [run.end_s for run in runs if run.act.name in scaled]
    ready = history.of(TargetReady)
    start_s = ended_s[0] if scaled and ended_s else np.inf if scaled else ready[0].t if ready else np.inf
    later_s = [run.start_s for run in runs if run.start_s > start_s]
    return start_s + _SETTLED_S, min([*later_s, watched_until_s(history)])


def _answered(read: list[ReplicaRequestCounts]) -> dict[str, float]:
    """The growth of each replica's count; a count that began anew counts from zero."""
    answered: dict[str, float] = {}
    last: dict[str, float] = {}
    for event in read:
        for name, count in event.others.items():
            if name == "requests":
                continue  # what the sampler adds: the load's own count
            before = last.get(name, count)
            answered[name] = answered.get(name, 0.0) + (count - before if count >= before else count)
            last[name] = count
    return answered


def _cases(history: History, scenario: Scenario) -> Iterator[Case]:
    for replicas in _shared_by(scenario):
        judge = partial(load_is_spread, history, scenario=scenario, replicas=replicas)
        yield Case(Claim("load_is_spread", show_count(replicas, "replica")), judge)


def _shared_by(scenario: Scenario) -> list[int]:
    """Every number of replicas that shares the load: those that steps ask for, and those of a service of compose."""
    compose = scenario.target.compose if scenario.target.kind == "compose" else None
    numbers = [step.scale.replicas for step in scenario.steps if step.scale is not None]
    numbers += [compose.replicas] if compose else []
    return sorted({number for number in numbers if number > 1})


SPREAD: Final = Check(
    {"load_is_spread": "Each replica answered at least half of an even share of the requests."}, _cases
)
