"""Whether each replica and each pod was read throughout, and its requests counted as the load counted them."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.doubt import HOST_RESOURCES, REQUESTS, TARGET, Doubt
from leakdrill.judging.evidence.lives import changing
from leakdrill.judging.evidence.readings import readings
from leakdrill.judging.evidence.sealed_record import is_sealed
from leakdrill.judging.evidence.windows import Span, gaps, outside, watched_until_s
from leakdrill.record.events import (
    LoadRequests,
    PodResources,
    ReplicaRequestCounts,
    ReplicaResources,
    TargetExited,
    TargetRestart,
)
from leakdrill.units import show_count, show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.record.history import History
    from leakdrill.scenario.scenario import Scenario

_LONGEST_GAP_S: Final = 6.0
_MORE: Final = 1.3
_FEW: Final = 100.0


def replica_doubts(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Replicas and pods of which readings are missing, and counts of theirs that cannot be."""
    baseline = history.phase("baseline")
    if not is_sealed(history) or baseline is None:
        return
    span, unsettled = Span(baseline[0], watched_until_s(history)), changing(history, scenario)
    for event_class in (PodResources, ReplicaResources):
        times = [event.t for event in history.of(event_class) if event.values]
        inside = [t for t in times if span.start_s <= t <= span.end_s]
        if not times:
            continue
        first_s = span.start_s if event_class is PodResources else min(inside, default=span.end_s)
        holes = gaps(inside, Span(first_s, span.end_s), longest_s=_LONGEST_GAP_S)
        lost = [part for gap in holes for part in outside(gap, unsettled) if part.length_s > _LONGEST_GAP_S]
        if lost:
            meter = f"{event_class.source}/{event_class.event_name}"
            text = f"nothing was read of {meter} for {show_duration(lost[0].length_s)}"
            yield Doubt(f"{text} from {show_duration(lost[0].start_s)} on", (), HOST_RESOURCES | {TARGET})
    yield from _unread(history)
    yield from _counts(history)
    yield from _more_than_the_load(history, span)


def _unread(history: History) -> Iterator[Doubt]:
    """Replicas that counted requests and of which nothing else was read, where there are several."""
    counted = {name for event in history.of(ReplicaRequestCounts) for name in event.others}
    read = {event.replica for event in history.of(ReplicaResources)} | {event.pod for event in history.of(PodResources)}
    missing = sorted(counted - read)
    if missing and len(counted) > 1:
        yield Doubt(f"nothing was read of the replica {missing[0]} but its requests", (), HOST_RESOURCES | {TARGET})


def _counts(history: History) -> Iterator[Doubt]:
    """A replica's count of requests that falls without a restart."""
    restarts = [Span(event.when, event.when) for event in history.of(TargetExited)]
    # Where replicas are replaced in turn, the last one begins anew long after the restart began.
    restarts += [Span(act.begin.t, act.end.t if act.end else math.inf) for act in history.acts(TargetRestart)]
    for before, after in pairwise(history.of(ReplicaRequestCounts)):
        for name, count in after.others.items():
            fell = count < before.others.get(name, 0.0)
            if fell and not any(
                before.t - _LONGEST_GAP_S <= span.end_s and span.start_s <= after.t for span in restarts
            ):
                text = f"{name} had answered {before.others[name]:.0f} requests"
                text = f"{text}, and {count:.0f} at {show_duration(after.t)}"
                yield Doubt(text, (before.index, after.index), frozenset({REQUESTS}))
                return


def _more_than_the_load(history: History, span: Span) -> Iterator[Doubt]:
    """More requests that the replicas answered than the load made."""
    told = [event for event in history.of(ReplicaRequestCounts) if span.start_s <= event.t <= span.end_s]
    made = [e for e in readings(history, LoadRequests) if span.start_s <= e.t <= span.end_s and "requests" in e.values]
    if len(told) < 2 or len(made) < 2:  # noqa: PLR2004 - between two
        return
    answered = sum(max(0.0, count - told[0].others.get(name, 0.0)) for name, count in told[-1].others.items())
    sent = made[-1].values["requests"] - made[0].values["requests"]
    if answered > _MORE * sent + _FEW:
        text = f"the replicas answered {show_count(answered, 'request')}, and the load made {sent:.0f}"
        yield Doubt(text, (told[0].index, told[-1].index), frozenset({REQUESTS}))
