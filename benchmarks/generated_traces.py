"""Generated recordings of services that leak and of services that only look like it.

They serve for choosing the method and for its error rates; recorded traces serve for judging it and are not looked at
here. Every parameter of a service is drawn anew for each recording. Memory is simulated at 10 Hz as what is alive,
what the allocator kept of the highest level, and noise, then rounded to pages; nothing is tuned to any recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.leak.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

STEP_S: Final = 0.1
_BURST_SHARE: Final = 0.3
_LARGE_SHARE: Final = 0.2
PAGE: Final = 4096
MIB: Final = 1024**2


@dataclass(frozen=True, slots=True)
class Schedule:
    """The schedule of a recording.

    Attributes:
        name: `paced`: warm-up at a constant rate, then slots that end at rest; `continuous`: a sample every 0.1 s
            under load that goes up and down; `counted` and `exact`: as paced, with counters; `live`: as the gate.
        seconds: its length.
        warmup_s: without samples.
        slot_s: between quiescent points; 0 where there are none.
        counted: whether the allocators' own counts were recorded.
        exact: whether all bytes in use were, too.
    """

    name: str
    seconds: float
    warmup_s: float
    slot_s: float
    counted: bool = False
    exact: bool = False

    @property
    def quiet(self) -> bool:
        """Whether it has quiescent points."""
        return self.slot_s > 0


PACED: Final = Schedule("paced", 20 + 24 * 1.4 + 0.2, 20, 1.4)
EXACT: Final = Schedule("exact", 20 + 24 * 1.4 + 0.2, 20, 1.4, counted=True, exact=True)
COUNTED: Final = Schedule("counted", 20 + 24 * 1.4 + 0.2, 20, 1.4, counted=True)
CONTINUOUS: Final = Schedule("continuous", 40, 0, 0)
LIVE: Final = Schedule("live", 50, 12, 1.25, counted=True, exact=True)
"""As `leakdrill gate` measures when its warm-up takes 12 s: 30 slots until its time is up."""


@dataclass(frozen=True, slots=True)
class Load:
    """Time, requests a second and requests so far, on the 10 Hz grid."""

    t: Array
    rate: Array
    requests: Array


def _load(schedule: Schedule, rng: np.random.Generator, run: np.random.Generator) -> Load:
    t = np.arange(0, schedule.seconds, STEP_S)
    level = rng.uniform(500, 2500)
    shape = np.ones_like(t) if schedule.quiet else _uneven(t, rng)
    rate = level * shape * run.normal(1, 0.02, len(t))
    return Load(t, rate, np.round(np.cumsum(rate) * STEP_S))


def _uneven(t: Array, rng: np.random.Generator) -> Array:
    """Steps, a wave, or bursts; no load that only rises, which proves nothing about anything."""
    match rng.integers(3):
        case 0:
            levels = rng.uniform(0.4, 1.2, 6)
            return np.asarray(levels[np.minimum((t / t[-1] * 6).astype(int), 5)])
        case 1:
            return 0.8 + 0.4 * np.sin(2 * np.pi * (t / rng.uniform(10, 20) + rng.random()))
        case _:
            return np.where((t / rng.uniform(3, 7) + rng.random()) % 1 < _BURST_SHARE, 1.4, 0.6)


def flat(load: Load, rng: np.random.Generator, run: np.random.Generator) -> Array:
    """Nothing happens but noise of a few pages."""
    return run.normal(0, rng.uniform(0.2, 3) * PAGE, len(load.t))


def sawtooth(load: Load, rng: np.random.Generator, run: np.random.Generator) -> Array:
    """Garbage is collected rarely; after a collection an arena stays or does not."""
    every = rng.uniform(1000, 8000)
    saw = ((load.requests + every * run.random()) % every) * rng.uniform(300, 3000)
    arena = MIB * (run.random(len(load.t)) < rng.uniform(0.05, 0.5))
    return saw + arena


def warmup(load: Load, rng: np.random.Generator, run: np.random.Generator) -> Array:
    """Imports and pools fill for some seconds."""
    del run
    return rng.uniform(1, 20) * MIB * (1 - np.exp(-load.t / rng.uniform(1, 4)))


def filling_cache(load: Load, rng: np.random.Generator, run: np.random.Generator) -> Array:
    """A bounded cache that is full sooner or later, perhaps after the recording."""
    del run
    size = rng.uniform(1, 20) * MIB
    return size * (1 - np.exp(-load.requests / float(load.requests[-1]) / rng.uniform(0.05, 1.0)))


def heavy_tailed_cache(load: Load, rng: np.random.Generator, run: np.random.Generator) -> Array:
    """Keys that are never all seen: entries grow as a power of the requests; below the budget at the end."""
    del run
    power = rng.uniform(0.4, 0.8)
    at_end = rng.uniform(2, 24)
    last = float(load.requests[-1])
    return at_end * last / power * (load.requests / last) ** power


def steps(load: Load, rng: np.random.Generator, run: np.random.Generator) -> Array:
    """One to four tables double, at any time; a little earlier or later in every run."""
    total = np.zeros_like(load.t)
    for at in rng.uniform(0, load.t[-1], rng.integers(1, 5)):
        total += rng.uniform(0.1, 2) * MIB * (load.t >= at + run.normal(0, 1.5))
    return total


def bursts(load: Load, rng: np.random.Generator, run: np.random.Generator) -> Array:
    """Few requests take megabytes for a moment; the allocator keeps some of the highest level for a while."""
    peak = np.where(run.random(len(load.t)) < _LARGE_SHARE, run.uniform(2, 24, len(load.t)), 0.0) * MIB
    return peak + 0.3 * _held(peak, int(rng.uniform(5, 30)))


def ttl_store(load: Load, rng: np.random.Generator, run: np.random.Generator) -> Array:
    """Entries that live for some seconds: memory follows the rate, which wanders."""
    wander = np.clip(1 + np.cumsum(run.normal(0, 0.01, len(load.t))), 0.6, 1.4)
    lifetime = int(rng.uniform(2, 9) / STEP_S)
    added = np.cumsum(load.rate * wander * STEP_S)
    alive = added - np.concatenate((np.zeros(lifetime), added[:-lifetime]))
    return alive * rng.uniform(50, 800)


def wandering(load: Load, rng: np.random.Generator, run: np.random.Generator) -> Array:
    """Fragmentation: a level that drifts without a direction, page by page."""
    return np.cumsum(run.normal(0, rng.uniform(0.5, 8), len(load.t))) * PAGE


def _held(values: Array, samples: int) -> Array:
    """The highest of the last `samples` values."""
    padded = np.concatenate((np.zeros(samples - 1), values))
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, samples).max(axis=1))


def per_request(load: Load, rng: np.random.Generator, size: float) -> Array:
    """Every request leaves `size` bytes behind."""
    del rng
    return size * load.requests


def rare(load: Load, rng: np.random.Generator, size: float) -> Array:
    """One request in 10,000 leaves 10,000 times `size` behind."""
    new = np.diff(load.requests, prepend=0.0)
    return 10_000 * size * np.cumsum(rng.poisson(new / 10_000)).astype(float)


def by_time(load: Load, rng: np.random.Generator, size: float) -> Array:
    """A timer leaks whatever the load; `size` bytes a request at the mean rate."""
    del rng
    return size * float(load.requests[-1] / load.t[-1]) * load.t


def threads(load: Load, rng: np.random.Generator, size: float) -> Array:
    """Every now and then a thread stays, with 72 KiB of stack and state."""
    stack = 72 * 1024.0
    new = np.diff(load.requests, prepend=0.0)
    return stack * np.cumsum(rng.poisson(new * size / stack)).astype(float)


HEALTHY: Final = {
    f.__name__: f
    for f in (flat, sawtooth, warmup, filling_cache, heavy_tailed_cache, steps, bursts, ttl_store, wandering)
}
LEAKS: Final = {f.__name__: f for f in (per_request, rare, by_time, threads)}
_GARBAGE: Final = ("sawtooth", "bursts")
_NOT_IN_USE: Final = (*_GARBAGE, "flat", "wandering")
"""Services whose memory moves without anything in use: garbage, retained arenas, fragmentation."""


def generate(
    schedule: Schedule,
    service: str,
    seed: int,
    *,
    run: int = 0,
    leak: str | None = None,
    bytes_per_request: float = 0.0,
) -> Trace:
    """Returns one recording of the `service` that `seed` draws, with a leak of `bytes_per_request` where one is named.

    Recordings that differ only in `run` are of the same service under the same schedule.
    """
    own, by_run = _generators(schedule, service, seed, run)
    load = _load(schedule, own, by_run)
    moved = HEALTHY[service](load, own, by_run)
    if schedule.quiet and service in _GARBAGE:
        moved = MIB * (by_run.random(len(load.t)) < own.uniform(0.05, 0.5)).astype(float)
    lost = LEAKS[leak](load, by_run, bytes_per_request) if leak else np.zeros_like(load.t)
    resident = np.ceil((12 * MIB + moved + lost + by_run.normal(0, PAGE, len(load.t))) / PAGE) * PAGE
    at = _sampled(schedule, load)
    in_use = lost + (0 if service in _NOT_IN_USE else moved)
    return Trace(
        name="-".join(filter(None, (schedule.name, service, leak, str(seed)))),
        t=load.t[at],
        requests=load.requests[at],
        columns={"anon": resident[at], **_counts(schedule, in_use[at], by_run)},
        quiet=schedule.quiet,
    )


def _generators(
    schedule: Schedule, service: str, seed: int, run: int
) -> tuple[np.random.Generator, np.random.Generator]:
    """Returns the generators of the service and of this run of it; neither depends on whether it leaks."""
    names = [*service.encode(), int(schedule.quiet)]
    return np.random.default_rng([seed, *names]), np.random.default_rng([seed, run, 1, *names])


def _counts(schedule: Schedule, in_use: Array, rng: np.random.Generator) -> dict[str, Array]:
    """Returns the allocators' figures for `in_use` bytes: objects of 64 bytes, and mappings from half a megabyte on."""
    if not schedule.counted:
        return {}
    added = np.diff(in_use, prepend=in_use[0])
    mapped = np.cumsum(np.where(added > MIB / 2, added, 0.0))
    n = len(in_use)
    counts = {
        "blocks": 60_000 + np.round((in_use - mapped) / 64) + rng.integers(-2, 3, n),
        "gcobj": 15_000.0 + rng.integers(-1, 2, n),
        "uord": 2.7 * MIB + rng.integers(0, 40, n) * 16.0,
        "hblkhd": 610_304.0 + mapped,
        "ford": 60_000.0 + rng.integers(0, 40, n) * 16.0,
    }
    exact = 10 * MIB + in_use + rng.integers(0, 40, n) * 16.0
    return counts | ({"live": exact} if schedule.exact else {})


def _sampled(schedule: Schedule, load: Load) -> NDArray[np.intp]:
    if not schedule.quiet:
        return np.arange(len(load.t))
    ends = np.arange(schedule.warmup_s + schedule.slot_s, schedule.seconds, schedule.slot_s)
    return np.searchsorted(load.t, ends)


def healthy(schedule: Schedule, each: int, first_seed: int = 0) -> Iterator[tuple[str, Trace]]:
    """`each` recordings of every healthy service."""
    for service in HEALTHY:
        for seed in range(first_seed, first_seed + each):
            yield service, generate(schedule, service, seed)


def leaking(
    schedule: Schedule, each: int, bytes_per_request: float, first_seed: int = 0
) -> Iterator[tuple[str, Trace]]:
    """`each` recordings of every leak, each on top of a healthy service in turn."""
    services = list(HEALTHY)
    for leak in LEAKS:
        for seed in range(first_seed, first_seed + each):
            service = services[seed % len(services)]
            yield leak, generate(schedule, service, seed, leak=leak, bytes_per_request=bytes_per_request)
