"""The shapes of a leak, each as a course from the baseline to the kill.

Before the leak comes as much quiet time as the rule looks back. At the kill the container's series end, as cAdvisor's
do. Shapes in which a restart helps (`crash loop`, `deployments`) make no sense for a disk.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.envelope.course import Course, Replica, steady_replica

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leakdrill.envelope.course import Bools, Floats

_DAY_S: Final = 86_400.0
_STEPS: Final = 10
_DAILY: Final = 0.9
"""How far the growth of a leak under daily load goes up and down round its mean."""
_CACHE_AT: Final = 0.97
"""Usage of a service that reads files, page cache included."""
_SAW: Final = 0.15
"""The height of a collector's sawtooth, of the room above the baseline."""
_SAWS: Final = 12
_LONGEST_SAW_S: Final = 1800.0
_BACK_OFF_S: Final = (10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
"""Kubernetes' waits before the next start of a container that keeps failing."""
_FEWEST_LIVES: Final = 3
_LOOP_S: Final = 1800.0
"""A crash loop is followed for that long at least."""
_DEPLOYED_AT: Final = 0.6
"""When a deployment comes, of the time from the baseline to the kill."""
_DEPLOYMENTS: Final = 2


class Clock:
    """The times of a course: quiet ones, then those of the leak.

    Args:
        scrape_s: seconds between two scrapes.
        quiet_s: seconds before the leak begins.
        takes_s: seconds from the baseline to the kill.
        baseline: how much of the limit is in use before, 0 to 1.
    """

    def __init__(self, *, scrape_s: float, quiet_s: float, takes_s: float, baseline: float) -> None:
        self.scrape_s, self.takes_s, self.baseline = scrape_s, takes_s, baseline
        self.quiet = max(1, round(quiet_s / scrape_s))
        self.leaking = max(1, round(takes_s / scrape_s))
        self.onset_s = self.quiet * scrape_s

    def grown(self, share: Callable[[Floats], Floats]) -> Floats:
        """Returns the use of one life, the scrape at the kill included; `share` leads from 0 to 1 over the time."""
        time = np.arange(self.leaking + 1) / self.leaking
        return self.baseline + (1 - self.baseline) * np.clip(share(time), 0.0, 1.0)

    def after_quiet(self, used: Floats) -> Floats:
        """Returns `used` behind the quiet time."""
        return np.concatenate([np.full(self.quiet, self.baseline), used])


def steady(clock: Clock) -> Course:
    """As much in every second."""
    return _to_the_kill("steady", clock, clock.grown(lambda time: time))


def steps(clock: Clock) -> Course:
    """In ten steps, the last of which kills."""
    return _to_the_kill("steps", clock, clock.grown(lambda time: np.floor(time * _STEPS + 1e-9) / _STEPS))


def daily(clock: Clock) -> Course:
    """As much for every request, under a load that goes up and down with the day."""
    days = clock.takes_s / _DAY_S

    def share(time: Floats) -> Floats:
        turn = 2 * np.pi * days
        grown = time + _DAILY * (1 - np.cos(turn * time)) / turn
        return np.asarray(grown / grown[-1])

    return _to_the_kill("daily load", clock, clock.grown(share))


def beside_cache(clock: Clock) -> Course:
    """Steady, in a service whose page cache fills what is left: the kernel gives it up as the leak grows."""
    used = clock.after_quiet(clock.grown(lambda time: time))
    return _ends_in_a_kill("beside page cache", clock, used, cache=np.maximum(_CACHE_AT - used, 0.0))


def sawtooth(clock: Clock) -> Course:
    """The heap of a collector: up and down, and a little higher each time."""
    period_s = max(4 * clock.scrape_s, min(clock.takes_s / _SAWS, _LONGEST_SAW_S))

    def share(time: Floats) -> Floats:
        phase = np.mod(time * clock.takes_s / period_s, 1.0)
        saw = (1 - _SAW) * time + _SAW * phase
        saw[-1] = 1.0
        return np.asarray(saw)

    return _to_the_kill("sawtooth", clock, clock.grown(share))


def crash_loop(clock: Clock) -> Course:
    """Steady; killed and started again after Kubernetes' waits, each life from the baseline."""
    life = clock.grown(lambda time: time)
    wanted_s = max(_LOOP_S, _FEWEST_LIVES * clock.takes_s)
    kills: list[float] = []
    parts = [(np.full(clock.quiet, clock.baseline), True, 0, 0.0)]
    at = clock.quiet
    for number in range(1_000):
        begins = 0.0 if number == 0 else at * clock.scrape_s
        at += len(life) - 1
        kills.append(at * clock.scrape_s)
        parts.append((life[:-1], True, number, begins))
        if number + 1 >= _FEWEST_LIVES and (at - clock.quiet) * clock.scrape_s >= wanted_s:
            break
        waits = max(1, round(_BACK_OFF_S[min(number, len(_BACK_OFF_S) - 1)] / clock.scrape_s))
        parts.append((np.full(waits, clock.baseline), False, number + 1, (at + waits) * clock.scrape_s))
        at += waits
    parts.append((np.array([1.0]), False, len(kills), 0.0))
    return _course("crash loop", clock, (_joined(parts),), kills)


def one_of_three(clock: Clock) -> Course:
    """Three replicas, of which one leaks."""
    leaks = clock.after_quiet(clock.grown(lambda time: time))
    leaking = _ends_in_a_kill("one of three", clock, leaks).replicas[0]
    calm = np.full(len(leaks), clock.baseline)
    others = tuple(steady_replica(calm, name=f"app-{number}") for number in (1, 2))
    return _course("one of three", clock, (leaking, *others), [(len(leaks) - 1) * clock.scrape_s])


def deployments(clock: Clock) -> Course:
    """Steady; two deployments come before the kill and begin again, the third does not come."""
    life = clock.grown(lambda time: time)
    cut = max(1, round(clock.leaking * _DEPLOYED_AT))
    lives = [clock.after_quiet(life[:cut]), *[life[:cut]] * (_DEPLOYMENTS - 1), life]
    count, at = sum(map(len, lives)), 0
    replicas = []
    for number, own in enumerate(lives):
        used, is_there = np.full(count, clock.baseline), np.zeros(count, dtype=np.bool_)
        used[at : at + len(own)], is_there[at : at + len(own)] = own, True
        if number == len(lives) - 1:
            is_there[-1] = False
        whole = steady_replica(used, name=f"app-0-{number}")
        begun = np.full(count, 0.0 if number == 0 else at * clock.scrape_s)
        replicas.append(replace(whole, up=is_there, present=is_there, started_s=begun))
        at += len(own)
    return _course("deployments", clock, tuple(replicas), [(count - 1) * clock.scrape_s])


LEAK_SHAPES: Final[Mapping[str, Callable[[Clock], Course]]] = {
    "steady": steady,
    "steps": steps,
    "daily load": daily,
    "beside page cache": beside_cache,
    "sawtooth": sawtooth,
    "crash loop": crash_loop,
    "one of three": one_of_three,
    "deployments": deployments,
}


def _to_the_kill(shape: str, clock: Clock, grown: Floats) -> Course:
    return _ends_in_a_kill(shape, clock, clock.after_quiet(grown))


def _ends_in_a_kill(shape: str, clock: Clock, used: Floats, *, cache: Floats | None = None) -> Course:
    alive = np.ones(len(used), dtype=np.bool_)
    alive[-1] = False
    replica = replace(steady_replica(used, cache=cache), up=alive)
    return _course(shape, clock, (replica,), [(len(used) - 1) * clock.scrape_s])


def _joined(parts: list[tuple[Floats, bool, int, float]]) -> Replica:
    def each(pick: Callable[[tuple[Floats, bool, int, float]], float]) -> Floats:
        return np.concatenate([np.full(len(part[0]), pick(part)) for part in parts])

    used = np.concatenate([part[0] for part in parts])
    up: Bools = each(lambda part: part[1]) > 0
    whole = steady_replica(used)
    return replace(whole, up=up, life=each(lambda part: part[2]).astype(np.int64), started_s=each(lambda part: part[3]))


def _course(shape: str, clock: Clock, replicas: tuple[Replica, ...], kills_s: list[float]) -> Course:
    return Course(
        shape=shape,
        scrape_s=clock.scrape_s,
        replicas=replicas,
        onset_s=clock.onset_s,
        ends_s=(len(replicas[0].used) - 1) * clock.scrape_s,
        takes_s=clock.takes_s,
        kills_s=tuple(kills_s),
    )
