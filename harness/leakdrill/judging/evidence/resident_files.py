"""Whether the service keeps its files in memory: the code of its program and its libraries stays while it runs.

A service that is started anew maps the same files again. Where much less of files is resident than in the baseline, and
less of anonymous memory too, the figures are of another unit or of another program. Where only pages of files are gone,
the kernel has taken them back, as it does where memory is scarce.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

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

    from numpy.typing import NDArray

    from leakdrill.record.history import History, Series
    from leakdrill.scenario.scenario import Scenario

_LEFT: Final = 0.93
_LEFT_AFTER_A_START: Final = 0.91
_WINDOW_S: Final = 2.0
_READINGS: Final = 5
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
    read = _Resident(history, tree, anon)
    usual = _Level(read, Span(*baseline))
    if not usual.files_bytes > _LEAST_BYTES:
        return
    replaced = _replaced(history, baseline[1])
    for span in _windows(tree.t, Span(baseline[1], watched_until_s(history)), last_only=replaced):
        level = _Level(read, span)
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


def _windows(times: NDArray[np.float64], whole: Span, *, last_only: bool) -> list[Span]:
    """The windows in `whole`, counted from its end, that may hold readings at `times`; in order, or only the last."""
    count = (whole.end_s - whole.start_s) // _WINDOW_S
    places = np.unique((whole.end_s - times) // _WINDOW_S)
    near = np.unique([places - 1, places])  # a reading between two windows is in both
    near = np.zeros(1) if last_only else near[::-1]
    kept = near[(near >= 0) & (near < count)].tolist()
    return [Span(whole.end_s - (place + 1) * _WINDOW_S, whole.end_s - place * _WINDOW_S) for place in kept]


def _replaced(history: History, after_s: float) -> bool:
    """Whether other processes have come to serve after a moment, as far as the record tells."""
    ended = history.series(ProcessTree, "ended_bytes").values
    acts = [act.begin.t for kind in _REPLACING for act in history.acts(kind)]
    told = [event.t for kind in (TargetReady, TargetExited, TargetReplicas) for event in history.of(kind)]
    return any(t > after_s for t in [*acts, *told]) or bool(len(ended) and ended[-1] > ended[0])


def _anonymous(history: History) -> tuple[Series, Series]:
    return history.series(CgroupResources, "anon_bytes"), without_huge_pages(history, ProcessSmaps, "anon_bytes")


class _Resident:
    """What was resident all along, each as a series in order of time.

    Attributes:
        files, anonymous: in bytes, at each reading of the processes.
        processes, mapped: their number, and the bytes that they mapped.
        indices: the event of each reading.
    """

    def __init__(self, history: History, tree: Series, anon: Series) -> None:
        with np.errstate(invalid="ignore"):  # readings that are no numbers are another search's
            anonymous = np.interp(tree.t, anon.t, anon.values)
            self.files = _Ordered(tree.t, tree.values - anonymous)
        self.anonymous = _Ordered(tree.t, anonymous)
        self.indices = _Ordered(tree.t, np.array(tree.indices))
        count, mapped = (history.series(ProcessTree, name) for name in ("processes", "virtual_bytes"))
        self.processes, self.mapped = _Ordered(count.t, count.values), _Ordered(mapped.t, mapped.values)


class _Ordered:
    """Values by their time, of which a span is found without looking at all."""

    def __init__(self, times: NDArray[np.float64], values: NDArray[Any]) -> None:
        order = np.argsort(times, kind="stable")
        self._times, self._values = times[order], values[order]

    def inside(self, span: Span) -> NDArray[Any]:
        """Those from the span's start to its end, with both."""
        first = np.searchsorted(self._times, span.start_s, side="left")
        return self._values[first : np.searchsorted(self._times, span.end_s, side="right")]


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

    def __init__(self, read: _Resident, span: Span) -> None:
        files, count, virtual = (one.inside(span) for one in (read.files, read.processes, read.mapped))
        enough = len(files) >= _READINGS
        self.files_bytes = float(np.median(files)) if enough else float("nan")
        self.anonymous_bytes = float(np.median(read.anonymous.inside(span))) if enough else float("nan")
        self.most_bytes = float(np.quantile(files, 0.9)) if enough else float("nan")
        self.processes = float(count.min()) if len(count) else float("nan")
        self.mapped_bytes = float(np.median(virtual)) if len(virtual) else float("nan")
        self.indices: tuple[int, ...] = tuple(read.indices.inside(span)[:1].tolist())
