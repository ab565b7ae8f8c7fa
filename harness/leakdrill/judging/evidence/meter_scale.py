"""Whether every meter of memory was multiplied at one moment by one factor, such as by another unit.

What a service maps of files, what it shares, the kernel's own memory and its page cache have nothing to do with what it
allocates. They do not all change at one moment, and least of all by one ratio; a factor changes them just so. What is
resident of files hardly ever changes, so every sudden change of it is looked at; and it does not shrink for good while
as much is mapped as before, unless the kernel takes pages of files back. That leaves anonymous memory as it was, which
a factor does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.doubt import Doubt
from leakdrill.judging.evidence.readings import without_huge_pages
from leakdrill.judging.evidence.windows import Span, watched_until_s
from leakdrill.record.events import CgroupResources, ProcessSmaps, ProcessTree, ServiceMetrics
from leakdrill.units import show_duration, show_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leakdrill.record.history import History, Series
    from leakdrill.scenario.scenario import Scenario

    Floats = np.typing.NDArray[np.float64]

_PAGE: Final = 4096.0
_MANY: Final = 10
_SOME: Final = 4
_TWO: Final = 2
"""So many readings on either side of a moment give a level: many of what hardly changes, two of what is read seldom."""
_SLOW_S: Final = 0.5
_NEAR_S: Final = 1.5
_AROUND_S: Final = 6.0
_LEAST_CHANGE: Final = 0.02
_LEAST_BYTES: Final = 128 * 1024
_USUAL: Final = 0.9
"""What a level differs from the one before it at this share of the moments around is ordinary."""
_MANY_SHIFTS: Final = 40
"""Of fewer, the median: a single change takes part in some of them."""
_TOLERANCE: Final = 0.35
"""How much of its own change a witness may be uncertain by, and still count."""
_VAGUE: Final = 0.6
"""The same where there is more that speaks for it."""
_PRECISE: Final = 0.1
_ENOUGH: Final = 2
_EXPLAINS: Final = 0.5
_ROUNDED: Final = 0.005
_SHORTEST_S: Final = 1e-3
FILES: Final = "what is resident of files"


@dataclass(frozen=True)
class Witness:
    """One part of memory, over time, that has a size of its own.

    Attributes:
        what: it, for a person.
        t: shape (n,), when it was read, in seconds since the start of the run.
        values: shape (n,), in bytes.
        indices: the events.
        count: how many readings give a level.
        skipped: how many after a moment are left out, since no two meters are read at once.
    """

    what: str
    t: Floats
    values: Floats
    indices: tuple[int, ...]
    count: int
    skipped: int = 0

    @cached_property
    def levels(self) -> tuple[Floats, Floats]:
        """Shape (n,) each: the levels before each reading and from it on; NaN where there are too few readings."""
        unknown = np.full(len(self.t), np.nan)
        if len(self.t) < 2 * self.count + self.skipped:
            return unknown, unknown
        medians = np.median(np.lib.stride_tricks.sliding_window_view(self.values, self.count), axis=1)
        before, after = unknown.copy(), unknown.copy()
        before[self.count :] = medians[:-1]
        after[: len(medians) - self.skipped] = medians[self.skipped :]
        return before, after

    @cached_property
    def usual(self) -> float:
        """What its levels differ by, one after the other, over the whole record."""
        return self._usual(0, len(self.t), -1)

    def change(self, t: float) -> Change:
        """How it changed at `t`."""
        place = int(np.searchsorted(self.t, t))
        before, after = self.levels
        if place >= len(self.t):
            return Change(self.what, float("nan"), float("nan"), float("inf"))
        period_s = (self.t[-1] - self.t[0]) / max(1, len(self.t) - 1)
        around = int(max(_AROUND_S / max(period_s, _SHORTEST_S), 4 * self.count))
        noise = min(self._usual(max(0, place - around), place + around + 1, place), self.usual)
        return Change(self.what, float(before[place]), float(after[place]), noise + 2 * _PAGE)

    def _usual(self, start: int, end: int, place: int) -> float:
        """The same from one reading to another, without those whose levels have a part on either side of `place`."""
        before, after = (levels[start:end] for levels in self.levels)
        shifts = np.abs(after - before)
        if place >= 0:
            shifts = shifts[np.abs(np.arange(len(shifts)) + start - place) > self.count + self.skipped]
        shifts = shifts[np.isfinite(shifts)]
        share = _USUAL if len(shifts) >= _MANY_SHIFTS else 0.5
        return float(np.quantile(shifts, share)) if len(shifts) else float("inf")


@dataclass(frozen=True, slots=True)
class Change:
    """How a part of memory changed at one moment.

    Attributes:
        what: which part.
        before: its level before, in bytes; NaN when nobody knows.
        after: its level afterwards.
        noise: what its levels differ by at other moments around.
    """

    what: str
    before: float
    after: float
    noise: float

    @property
    def ratio(self) -> float:
        """By what it was multiplied."""
        return self.after / self.before if self.before > 0 else float("nan")

    @property
    def size(self) -> float:
        """By how much it grew, in bytes."""
        return self.after - self.before

    def falls_short_of(self, ratio: float) -> bool:
        """Whether it certainly changed by less than half of what `ratio` would change it by."""
        wanted = (ratio - 1) * self.before
        return bool(self.size * np.sign(wanted) + self.noise < _EXPLAINS * abs(wanted))

    def follows(self, ratio: float) -> bool:
        """Whether it changed by at least half of what `ratio` would change it by, and not by chance."""
        wanted = (ratio - 1) * self.before
        return bool(self.size * np.sign(wanted) - self.noise >= _EXPLAINS * abs(wanted))

    @property
    def uncertain(self) -> float:
        """What part of the change is no more than usual; above 1 where nothing changed."""
        return self.noise / max(abs(self.size), 1.0)

    def agrees(self, ratio: float) -> bool:
        """Whether it changed by `ratio`, as far as can be told, and not by chance."""
        near = abs(self.after - ratio * self.before) <= self.noise + _ROUNDED * self.before
        return near and self.uncertain < _VAGUE and abs(self.ratio - 1) > _LEAST_CHANGE

    def explains(self, other: Change) -> bool:
        """Whether it changed the same way, and by as much as would do for `other`."""
        return self.size * other.size > 0 and abs(self.size) >= _EXPLAINS * abs(other.size)


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What a record tells of memory, apart.

    Attributes:
        steady: what hardly ever changes, and is looked at for sudden changes.
        again: the same from other meters; None where there are none.
        others: what changes for reasons of its own; anonymous memory first.
        causes: what `steady` changes with, if it does.
    """

    steady: Witness
    again: Witness | None
    others: Sequence[Witness]
    causes: Sequence[Witness]


def scale_doubts(history: History, scenario: Scenario) -> Iterator[Doubt]:  # noqa: ARG001 - as all searches
    """The first moment at which one factor changes every meter of memory of a drill.

    Where a replica comes or goes, all of them do change by one factor, rightly.
    """
    baseline = history.phase("baseline")
    if baseline is None:
        return
    with np.errstate(invalid="ignore"):  # readings that are no numbers are another search's
        witnesses = _of_drill(history, Span(baseline[0], watched_until_s(history)))
        found = [] if witnesses is None else list(one_factor(witnesses, list(_process_changes(history))))
    yield from found


def one_factor(witnesses: Witnesses, expected: Sequence[Span] = ()) -> Iterator[Doubt]:
    """The first moment at which what is steady changes, and others by its ratio, or for no reason that can be seen.

    Moments in the spans `expected` are left out.
    """
    steady = witnesses.steady
    for places in _sudden(steady):
        place = _moment(steady, places)
        t = float(steady.t[place])
        if any(span.start_s <= t <= span.end_s for span in expected):
            continue
        found = _found(witnesses, places)
        if found:
            text = _sentence(found, show_duration(t))
            yield Doubt(text, (steady.indices[place],), frozenset({"memory"}))
            return


def _process_changes(history: History) -> Iterator[Span]:
    """The moments at which the target has more processes than before, or fewer."""
    count = history.series(ProcessTree, "processes")
    for place in np.flatnonzero(np.diff(count.values)).tolist():
        yield Span(float(count.t[place]) - _NEAR_S, float(count.t[place + 1]) + _NEAR_S)


def _sudden(steady: Witness) -> Iterator[list[int]]:
    """The places, one stretch after the other, at which its level changes by more than it usually does."""
    before, after = steady.levels
    with np.errstate(invalid="ignore"):
        size = np.nan_to_num(np.abs(after - before))
        large = size > np.maximum(max(_LEAST_BYTES, 2 * steady.usual), _LEAST_CHANGE * np.nan_to_num(before))
    places = np.flatnonzero(large)
    for stretch in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(places) else ():
        yield stretch.tolist()


def _moment(steady: Witness, places: Sequence[int]) -> int:
    """Of the places around a sudden change the one at which it happened: where most changes from reading to reading."""
    last = len(steady.values) - 1
    steps = [abs(float(steady.values[min(place + 1, last)] - steady.values[max(place - 1, 0)])) for place in places]
    return places[steps.index(max(steps))]


def _found(witnesses: Witnesses, places: Sequence[int]) -> list[Change]:
    """What changed by one factor at a moment, the steady witness first; or that alone, if for no reason; or nothing."""
    steady = witnesses.steady
    place = _moment(steady, places)
    change = _settled(steady, places)
    if not change.uncertain < _TOLERANCE:
        return []
    span = Span(float(steady.t[places[0]]), float(steady.t[places[-1]]))
    alike = [one for other in witnesses.others if (one := _nearest(other, change.ratio, steady.t, place, span))]
    precise = change.uncertain < _PRECISE and any(one.uncertain < _PRECISE for one in alike)
    t = float(steady.t[place])
    sure = [one for one in alike if one.uncertain < _TOLERANCE]
    if witnesses.others[0].change(t).falls_short_of(change.ratio):
        return []
    if len(sure) >= _ENOUGH - precise or _for_no_reason(change, witnesses, t, freed=bool(alike)):
        return [change, *alike]
    return []


def _settled(steady: Witness, places: Sequence[int]) -> Change:
    """The change of the steady witness where it is largest."""
    changes = [steady.change(float(steady.t[place])) for place in places[:: max(1, len(places) // _MANY)]]
    return max(changes, key=lambda change: abs(change.size))


def _nearest(witness: Witness, ratio: float, times: Floats, place: int, span: Span) -> Change | None:
    """The change of `witness` by `ratio` at about the same moment; None when it did not change by that."""
    if witness.count == _TWO:
        moments = witness.t[(witness.t >= span.start_s) & (witness.t <= span.end_s + _SLOW_S)][:_MANY]
    else:
        moments = times[max(place - 1, 0) : place + 2]
    changes = [change for t in moments.tolist() if (change := witness.change(t)).agrees(ratio)]
    return min(changes, key=lambda change: change.uncertain, default=None)


def _for_no_reason(change: Change, witnesses: Witnesses, t: float, *, freed: bool) -> bool:
    """Whether `change` is a fall that other meters confirm, anonymous memory among them, and that nothing explains.

    Args:
        change: of the steady witness.
        witnesses: what else is known.
        t: when it changed.
        freed: whether what is mapped may have shrunk by what was freed as well, because something else agrees.
    """
    if witnesses.again is None or not witnesses.causes or not change.size < 0:
        return False
    causes, anon = [cause.change(t) for cause in witnesses.causes], witnesses.others[0].change(t)
    if not anon.follows(change.ratio):
        return False
    if freed:
        mapped = causes[0]
        causes[0] = Change(mapped.what, mapped.before - anon.before, mapped.after - anon.after, mapped.noise)
    return witnesses.again.change(t).explains(change) and not any(cause.explains(change) for cause in causes)


def _sentence(alike: Sequence[Change], when: str) -> str:
    if len(alike) == 1:
        text = f"at {when} {alike[0].what} fell from {show_size(alike[0].before)} to {show_size(alike[0].after)}"
        return f"{text}, and as much was mapped as before"
    parts = [f"{one.what} from {show_size(one.before)} to {show_size(one.after)}" for one in alike]
    listed = f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"all meters of memory changed by the factor {alike[0].ratio:.3g} at {when}: {listed}"


def _of_drill(history: History, span: Span) -> Witnesses | None:
    """What the meters of a drill tell apart: what is resident of files, and the rest."""
    tree = without_huge_pages(history, ProcessTree, "rss_bytes").between(span.start_s, span.end_s)
    anon, cache, usage = (
        history.series(CgroupResources, name).between(span.start_s, span.end_s)
        for name in ("anon_bytes", "cache_bytes", "usage_bytes")
    )
    pss, uss, own = (
        without_huge_pages(history, ProcessSmaps, name).between(span.start_s, span.end_s)
        for name in ("pss_bytes", "uss_bytes", "anon_bytes")
    )
    known = [series for series in (anon, own) if len(series) >= _TWO]
    if len(tree) < _TWO or not known:
        return None
    has_smaps = len(own) >= _TWO and own.indices == pss.indices == uss.indices
    again = _witness(FILES, own, np.interp(own.t, tree.t, tree.values) - own.values) if has_smaps else None
    files = tree.values - np.interp(tree.t, known[0].t, known[0].values)
    others = [_witness("anonymous memory", known[0], known[0].values)]
    if len(usage) and usage.indices == anon.indices == cache.indices:
        others += [_witness("page cache", cache, cache.values)]
        others += [_witness("the kernel's own memory", usage, usage.values - anon.values - cache.values)]
    if has_smaps:
        others += [_witness("what is shared with others", pss, pss.values - uss.values)]
    virtual = _virtual(history, span)
    causes = [] if virtual is None else [virtual, *others[1:2]]
    return Witnesses(Witness(FILES, tree.t, files, tree.indices, _MANY, 1), again, others, causes)


def _virtual(history: History, span: Span) -> Witness | None:
    """Memory that is mapped, by the kernel or by the service itself."""
    for event_class, name in ((ProcessTree, "virtual_bytes"), (ServiceMetrics, "process_virtual_memory_bytes")):
        series = history.series(event_class, name).between(span.start_s, span.end_s)
        if len(series) > _TWO:
            return _witness("mapped memory", series, series.values)
    return None


def _witness(what: str, series: Series, values: Floats) -> Witness:
    slow = len(series) > 1 and float(np.median(np.diff(series.t))) > _SLOW_S
    return Witness(what, series.t, values, series.indices, _TWO if slow else _SOME, 0 if slow else 1)
