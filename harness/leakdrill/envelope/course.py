"""A made course of a service: how full its resource is at every scrape, and when it runs, dies and starts again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Replica:
    """One replica's course; every array has one item a scrape.

    Attributes:
        name: the word for its pod; another generation has another one.
        used: how much of the limit is in use without what the kernel can take back, 0 to 1.
        cache: how much of the limit page cache takes, 0 to 1.
        up: whether the container runs.
        present: whether its pod is known, running or waiting for its next start.
        life: how often it was started again.
        started_s: when the life began, in seconds of the course.
        scraped: whether the scrape was answered.
    """

    name: str
    used: Floats
    cache: Floats
    up: Bools
    present: Bools
    life: Ints
    started_s: Floats
    scraped: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A course of one to three replicas.

    Attributes:
        shape: its name, as in `leak_shapes` or `healthy_shapes`.
        scrape_s: seconds between two scrapes.
        replicas: at least one.
        onset_s: when the leak begins; where nothing leaks, when the course is to be looked at.
        ends_s: of the last scrape.
        takes_s: seconds from the baseline to the kill; None where nothing leaks.
        kills_s: when it is killed, or the resource is used up.
    """

    shape: str
    scrape_s: float
    replicas: tuple[Replica, ...]
    onset_s: float
    ends_s: float
    takes_s: float | None = None
    kills_s: tuple[float, ...] = field(default=())


def steady_replica(used: Floats, *, name: str = "app-0", cache: Floats | None = None) -> Replica:
    """Returns a replica that runs for the whole course with `used` and `cache`, which is nothing by default."""
    count = len(used)
    everywhere = np.ones(count, dtype=np.bool_)
    return Replica(
        name=name,
        used=used,
        cache=np.zeros(count) if cache is None else cache,
        up=everywhere,
        present=everywhere,
        life=np.zeros(count, dtype=np.int64),
        started_s=np.zeros(count),
        scraped=everywhere,
    )
