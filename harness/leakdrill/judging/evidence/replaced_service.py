"""Whether the processes that served in the baseline were replaced inside the target, as a supervisor does."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.doubt import HOST_RESOURCES, TARGET, Doubt
from leakdrill.judging.evidence.lives import changing
from leakdrill.judging.evidence.readings import readings
from leakdrill.judging.evidence.sealed_record import is_sealed
from leakdrill.judging.evidence.windows import Span, step_runs, watched_until_s
from leakdrill.record.events import CgroupResources, ProcessTree
from leakdrill.units import show_count, show_duration, show_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.judging.evidence.readings import Numbers
    from leakdrill.record.history import History
    from leakdrill.scenario.scenario import Scenario

_AT_ONCE_S: Final = 3.0
"""Workers that are told to end do so within this time."""
_LEAST_SHARE: Final = 0.25
_MOST_LEFT: Final = 0.5
"""With more left of what the target held in the baseline, others go on serving: one worker of several was recycled."""
_GRACE_S: Final = 10.0
_FEW_FALLS: Final = 3
_REPLACING: Final = frozenset({"restart", "scale", "autoscale", "delete_pod", "kill", "prune"})
_RECYCLING: Final = frozenset({"set_env", "set_limits", "recreate"})
"""Actions after which a service may recycle its workers from then on."""


def replaced_service(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Ends of the processes that held the memory, from the baseline on, that no step asks for.

    Processes that began after the load, such as the child that a job runs in, may end at any time.
    """
    baseline = history.phase("baseline")
    tree = history.series(ProcessTree, "rss_bytes")
    if baseline is None or not len(tree.between(*baseline)):
        return
    loaded_s = (history.phase("warmup") or baseline)[0]
    yield from _unnoted_ends(history, scenario)
    usual, excused = float(np.median(tree.between(*baseline).values)), _excused(history, scenario)
    read = [e for e in readings(history, ProcessTree) if {"rss_bytes", "ended_bytes", "ended_age_s"} <= e.values.keys()]
    ends: list[tuple[Numbers, float]] = []
    for before, after in pairwise(read):
        ended = after.values["ended_bytes"] - before.values["ended_bytes"]
        between, served = Span(before.t, after.t), after.values["ended_age_s"] >= after.t - loaded_s
        if not (ended > 0 and served and baseline[0] < after.t and before.t < watched_until_s(history)):
            continue
        if any(span.overlaps(between) for span in excused):
            continue
        ends = [(one, size) for one, size in ends if one.t >= after.t - _AT_ONCE_S] + [(before, ended)]
        held, gone = ends[0][0].values["rss_bytes"], sum(size for _, size in ends)
        if gone >= _LEAST_SHARE * held and held - gone <= _MOST_LEFT * usual:
            yield Doubt(
                f"processes that were there before the load ended at {show_duration(after.t)} with "
                f"{show_size(gone)} of the {show_size(held)} that the target held, and no step asks for it",
                (before.index, after.index),
                HOST_RESOURCES | {TARGET},
            )
            return


def _unnoted_ends(history: History, scenario: Scenario) -> Iterator[Doubt]:
    """Processes that became fewer several times while none was noted to have ended."""
    counts, ended = (history.series(ProcessTree, name) for name in ("processes", "ended_bytes"))
    if not is_sealed(history) or not len(counts) or counts.indices != ended.indices or ended.values.max() > 0:
        return
    falls = [
        Span(float(counts.t[row]), float(counts.t[row + 1]))
        for row in np.flatnonzero(np.diff(counts.values) < 0).tolist()
    ]
    falls = [fall for fall in falls if not any(span.overlaps(fall) for span in changing(history, scenario))]
    if len(falls) >= _FEW_FALLS:
        text = (
            f"the processes became fewer {show_count(len(falls), 'time')}, at first at {show_duration(falls[0].end_s)}"
        )
        yield Doubt(f"{text}, and none is told to have ended", counts.indices[:1], HOST_RESOURCES | {TARGET})


def _excused(history: History, scenario: Scenario) -> list[Span]:
    """When other processes may take the place of those before: what steps ask for, and what other verdicts name."""
    spans = changing(history, scenario)
    for run in step_runs(history):
        if run.act.begin.action in _REPLACING:
            spans.append(Span(run.start_s, run.end_s + _GRACE_S))
        if run.act.begin.action in _RECYCLING:
            spans.append(Span(run.start_s, history.end_s))
    return [*spans, *_expected_kills(history, scenario)]


def _expected_kills(history: History, scenario: Scenario) -> list[Span]:
    """The time around each kill by the kernel, where the scenario expects some."""
    kills = history.series(CgroupResources, "oom_kills")
    if not scenario.expect.oom_kills or len(kills) == 0:
        return []
    rises = np.flatnonzero(np.diff(kills.values) > 0).tolist()
    return [Span(float(kills.t[row]) - _AT_ONCE_S, float(kills.t[row + 1]) + _GRACE_S) for row in rises]
