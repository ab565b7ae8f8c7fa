"""Courses of a service that does not leak. An alert that fires in one of them fires for nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.envelope.course import Course, Replica, steady_replica

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leakdrill.envelope.course import Floats

_HOUR_S: Final = 3600.0
_COLD: Final = 0.05
_WARM_UP_S: Final = 900.0
_FILLED: Final = 0.25
"""How much of the room above the baseline a full cache takes."""
_FILLS_S: Final = 2400.0
_SAW_S: Final = 600.0
_LOW_PEAK: Final = 0.6
_HIGH_PEAK: Final = 0.92
_JOB_AT: Final = 0.7
_CACHE_AT: Final = 0.99
_OVERLAP_S: Final = 120.0
_GAP_S: Final = 600.0


class QuietClock:
    """The times of a healthy course.

    Args:
        scrape_s: seconds between two scrapes.
        quiet_s: seconds before it is looked at.
        baseline: how much of the limit is usually in use, 0 to 1.
    """

    def __init__(self, *, scrape_s: float, quiet_s: float, baseline: float) -> None:
        self.scrape_s, self.baseline = scrape_s, baseline
        self.quiet = max(1, round(quiet_s / scrape_s))
        self.onset_s = self.quiet * scrape_s

    def over(self, seconds: float) -> Floats:
        """Returns the times of the next `seconds`, from 0."""
        return np.asarray(np.arange(round(seconds / self.scrape_s) + 1) * self.scrape_s, dtype=np.float64)

    def course(self, shape: str, used: Floats, *, cache: Floats | None = None, quiet: float | None = None) -> Course:
        """Returns the course of one replica behind the quiet time, in which `quiet` of the limit is in use."""
        before = np.full(self.quiet, self.baseline if quiet is None else quiet)
        whole = np.concatenate([before, used])
        filled = None if cache is None else np.concatenate([np.zeros(self.quiet), cache])
        return self.of(shape, (steady_replica(whole, cache=filled),))

    def of(self, shape: str, replicas: tuple[Replica, ...]) -> Course:
        """Returns the course of `replicas`, whose arrays hold the quiet time too."""
        ends_s = (len(replicas[0].used) - 1) * self.scrape_s
        return Course(shape, self.scrape_s, replicas, self.onset_s, ends_s)


def warm_up(clock: QuietClock) -> Course:
    """A start: from almost nothing to the baseline within a quarter of an hour, then flat."""
    time = clock.over(_HOUR_S)
    risen = _COLD + (clock.baseline - _COLD) * np.minimum(time / _WARM_UP_S, 1.0)
    fresh = steady_replica(np.concatenate([np.full(clock.quiet, _COLD), risen]))
    there = np.arange(len(fresh.used)) >= clock.quiet
    begun = np.full(len(fresh.used), clock.onset_s)
    return clock.of("warm-up", (replace(fresh, up=there, present=there, started_s=begun),))


def cache_fills(clock: QuietClock) -> Course:
    """A bounded cache that fills, ever more slowly, by a quarter of the room above the baseline."""
    time = clock.over(4 * _HOUR_S)
    room = 1 - clock.baseline
    return clock.course("cache fills", clock.baseline + _FILLED * room * (1 - np.exp(-time / _FILLS_S)))


def low_sawtooth(clock: QuietClock) -> Course:
    """A collector that lets the heap grow to 60 % of the limit, every ten minutes."""
    return _sawtooth("low sawtooth", clock, _LOW_PEAK)


def high_sawtooth(clock: QuietClock) -> Course:
    """A collector that lets the heap grow to 92 % of the limit, every ten minutes."""
    return _sawtooth("high sawtooth", clock, _HIGH_PEAK)


def nightly_job(clock: QuietClock) -> Course:
    """A job of an hour that takes 70 % of the limit."""
    time = clock.over(3 * _HOUR_S)
    rises = np.clip(np.minimum(time - _HOUR_S, 2 * _HOUR_S - time) / (_HOUR_S / 6), 0.0, 1.0)
    return clock.course("nightly job", clock.baseline + (max(_JOB_AT, clock.baseline) - clock.baseline) * rises)


def page_cache(clock: QuietClock) -> Course:
    """Page cache that grows until it fills the limit to 99 %; the kernel takes it back when it is needed."""
    time = clock.over(3 * _HOUR_S)
    cache = (_CACHE_AT - clock.baseline) * np.minimum(time / _HOUR_S, 1.0)
    return clock.course("page cache", np.full(len(time), clock.baseline), cache=cache)


def deployment(clock: QuietClock) -> Course:
    """A new replica warms up beside the old one, which ends two minutes later."""
    count = clock.quiet + len(clock.over(_HOUR_S))
    time = np.arange(count) * clock.scrape_s - clock.onset_s
    old = replace(steady_replica(np.full(count, clock.baseline)), up=time < _OVERLAP_S, present=time < _OVERLAP_S)
    risen = _COLD + (clock.baseline - _COLD) * np.clip(time / _WARM_UP_S, 0.0, 1.0)
    begun = np.full(count, clock.onset_s)
    new = replace(steady_replica(risen, name="app-0-1"), up=time >= 0, present=time >= 0, started_s=begun)
    return clock.of("deployment", (old, new))


def scrape_gap(clock: QuietClock) -> Course:
    """Ten minutes in which no scrape is answered."""
    count = clock.quiet + len(clock.over(_HOUR_S))
    time = np.arange(count) * clock.scrape_s - clock.onset_s
    lost = (time >= _GAP_S) & (time < 2 * _GAP_S)
    return clock.of("scrape gap", (replace(steady_replica(np.full(count, clock.baseline)), scraped=~lost),))


def restart(clock: QuietClock) -> Course:
    """One restart of the container, and its warm-up."""
    count = clock.quiet + len(clock.over(_HOUR_S))
    time = np.arange(count) * clock.scrape_s - clock.onset_s
    is_new = time >= clock.scrape_s
    risen = _COLD + (clock.baseline - _COLD) * np.clip(time / _WARM_UP_S, 0.0, 1.0)
    whole = steady_replica(np.where(is_new, risen, clock.baseline))
    begun = np.where(is_new, clock.onset_s + clock.scrape_s, 0.0)
    up = ~((time >= 0) & (time < clock.scrape_s))
    return clock.of("restart", (replace(whole, up=up, life=is_new.astype(np.int64), started_s=begun),))


HEALTHY_SHAPES: Final[Mapping[str, Callable[[QuietClock], Course]]] = {
    "warm-up": warm_up,
    "cache fills": cache_fills,
    "low sawtooth": low_sawtooth,
    "high sawtooth": high_sawtooth,
    "nightly job": nightly_job,
    "page cache": page_cache,
    "deployment": deployment,
    "scrape gap": scrape_gap,
    "restart": restart,
}


def _sawtooth(shape: str, clock: QuietClock, peak: float) -> Course:
    time = clock.over(2 * _HOUR_S)
    phase = np.mod(time / _SAW_S, 1.0)
    return clock.course(shape, clock.baseline + max(peak - clock.baseline, 0.0) * phase)
