"""Whether the service keeps its files in memory: the code of its program and its libraries stays while it runs.

A service that is started anew maps the same files again. Where much less of files is resident than in the baseline, and
less of anonymous memory too, the figures are of another unit or of another program. Where only pages of files are gone,
the kernel has taken them back, as it does where memory is scarce.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.doubt import Doubt
from leakdrill.judging.evidence.readings import without_huge_pages
from leakdrill.judging.evidence.windows import Span, watched_until_s
from leakdrill.record.events import (
    CgroupResources,
    ProcessSmaps,
    ProcessTree,
    TargetExited,
    TargetReady,
    TargetReplicas,
    TargetRestart,
    TargetScale,
    TargetStart,
)
from leakdrill.units import show_duration, show_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.record.history import History, Series
    from leakdrill.scenario.scenario import Scenario

_LEFT: Final = 0.93
_LEFT_AFTER_A_START: Final = 0.91
_WINDOW_S: Final = 2.0
_READINGS: Final = 5
_MOST_WINDOWS: Final = 1_000_000
"""More than three weeks; a time that is longer is another search's."""
_EXPLAINS: Final = 0.5
_LEAST_BYTES: Final = 2 * 1024**2
"""A program that is linked statically maps hardly anything."""
_REPLACING: Final = (TargetStart, TargetRestart, TargetScale)


def resident_file_doubts(history: History, scenario: Scenario) -> Iterator[Doubt]:  # noqa: ARG001 - as all searches
    """The first two seconds in which no fewer processes than in the baseline have less of files in memory.

    What was started anew loads some of its files with its first requests: of it only the end of the record counts.
    """
    baseline, tree = history.phase("baseline"), without_huge_pages(history, ProcessTree, "rss_bytes")
    anon = next((one for one in _anonymous(history) if len(one) > 1), None)
    if baseline is None or anon is None or len(tree) < _READINGS:
        return
    usual = _Level(history, tree, anon, Span(*baseline))
    if not usual.files_bytes > _LEAST_BYTES:
        return
    replaced = _replaced(history, baseline[1])
    for span in _windows(baseline[1], watched_until_s(history), last_only=replaced):
        level = _Level(history, tree, anon, span)
        times = max(1.0, level.processes / usual.processes if history.of(TargetReplicas) else 1.0)
        expected = times * usual.files_bytes
        left = _LEFT_AFTER_A_START if replaced else _LEFT
        explained = not replaced and usual.mapped_bytes - level.mapped_bytes >= _EXPLAINS * (
            expected - level.files_bytes
        )
        anonymous = level.anonymous_bytes / (times * usual.anonymous_bytes)
        less = level.most_bytes < left * expected and 1 - anonymous >= _EXPLAINS * (1 - level.files_bytes / expected)
        if level.processes >= usual.processes and less and not explained:
            text = f"{show_size(level.files_bytes)} of files were resident at {show_duration(span.start_s)}"
            text = f"{text}; by the baseline it would be {show_size(expected)}"
            yield Doubt(text, level.indices, frozenset({"memory"}))
            return


def _windows(start_s: float, end_s: float, *, last_only: bool) -> list[Span]:
    count = min(int((end_s - start_s) // _WINDOW_S), _MOST_WINDOWS)
    spans = [Span(end_s - (place + 1) * _WINDOW_S, end_s - place * _WINDOW_S) for place in range(count)]
    return spans[:1] if last_only else spans[::-1]


def _replaced(history: History, after_s: float) -> bool:
    """Whether other processes have come to serve after a moment, as far as the record tells."""
    ended = history.series(ProcessTree, "ended_bytes").values
    acts = [act.begin.t for kind in _REPLACING for act in history.acts(kind)]
    told = [event.t for kind in (TargetReady, TargetExited, TargetReplicas) for event in history.of(kind)]
    return any(t > after_s for t in [*acts, *told]) or bool(len(ended) and ended[-1] > ended[0])


def _anonymous(history: History) -> tuple[Series, Series]:
    return history.series(CgroupResources, "anon_bytes"), without_huge_pages(history, ProcessSmaps, "anon_bytes")


class _Level:
    """What was resident of files in a span, in bytes; NaN when nobody knows.

    Attributes:
        files_bytes: its median.
        most_bytes: the most of it, single readings apart.
        anonymous_bytes: the median of anonymous memory.
        processes: the least number of them.
        mapped_bytes: what they mapped beside anonymous memory.
        indices: the first event.
    """

    def __init__(self, history: History, tree: Series, anon: Series, span: Span) -> None:
        near = tree.between(span.start_s, span.end_s)
        with np.errstate(invalid="ignore"):  # readings that are no numbers are another search's
            anonymous = np.interp(near.t, anon.t, anon.values)
            files = near.values - anonymous
        count = history.series(ProcessTree, "processes").between(span.start_s, span.end_s).values
        virtual = history.series(ProcessTree, "virtual_bytes").between(span.start_s, span.end_s).values
        enough = len(files) >= _READINGS
        self.files_bytes = float(np.median(files)) if enough else float("nan")
        self.anonymous_bytes = float(np.median(anonymous)) if enough else float("nan")
        self.most_bytes = float(np.quantile(files, 0.9)) if enough else float("nan")
        self.processes = float(count.min()) if len(count) else float("nan")
        self.mapped_bytes = float(np.median(virtual)) if len(virtual) else float("nan")
        self.indices = near.indices[:1]
