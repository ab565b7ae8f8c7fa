"""What grew, by the allocators' own counts."""

from __future__ import annotations

import numpy as np
import pytest

from leakdrill.judging.leak.growth_kind import Kind, describe, kind_of, live, retained_per_request
from leakdrill.judging.leak.quiescent_points import Points
from leakdrill.judging.leak.slope import fit_slope

REQUESTS = np.arange(1, 25) * 1000.0
FLAT = np.full(24, 1e6)


def series(growth: float, **counters: np.ndarray) -> Points:
    flat = {"blocks": FLAT, "uord": FLAT, "hblkhd": FLAT, "ford": FLAT, "gcobj": FLAT}
    resident = 2e7 + growth * REQUESTS
    return Points(t=REQUESTS, requests=REQUESTS, resident=resident, counters=flat | counters, quiet=True)


def kind(part: Points) -> tuple[Kind, str]:
    found = live(part, 0.99)
    named = kind_of(fit_slope(part.requests, part.resident, resolution=4096), found)
    return named, describe(named, found)


def test_flat_is_nothing() -> None:
    assert kind(series(0))[0] is Kind.NONE


def test_blocks_that_grow_are_live_objects() -> None:
    assert kind(series(100, blocks=FLAT + REQUESTS)) == (
        Kind.LIVE_OBJECTS,
        "live objects: 1 more block a request",
    )


def test_malloc_that_grows_without_blocks_is_native() -> None:
    assert kind(series(100, uord=FLAT + 100 * REQUESTS)) == (
        Kind.NATIVE,
        "native memory: 100 B a request held through malloc",
    )


def test_without_python_s_allocator_the_two_cannot_be_told_apart() -> None:
    assert kind(series(100, blocks=0 * FLAT, uord=FLAT + 100 * REQUESTS))[0] is Kind.HEAP


def test_unless_tracked_objects_grow_too() -> None:
    part = series(100, blocks=0 * FLAT, uord=FLAT + 100 * REQUESTS, gcobj=FLAT + 2 * REQUESTS)
    assert kind(part) == (Kind.LIVE_OBJECTS, "live objects: 2 more tracked objects a request")


def test_free_memory_that_grows_is_retained() -> None:
    part = series(100, ford=FLAT + 90 * REQUESTS)
    assert kind(part)[0] is Kind.RETAINED
    found = live(part, 0.99)
    assert retained_per_request(fit_slope(part.requests, part.resident), found) == pytest.approx(90, abs=0.1)


def test_what_no_allocator_counts_is_called_so() -> None:
    assert kind(series(100))[0] is Kind.UNCOUNTED


def test_a_plain_series_has_resident_memory_only() -> None:
    part = Points(t=REQUESTS, requests=REQUESTS, resident=100 * REQUESTS, counters={}, quiet=False)
    assert kind(part) == (Kind.RESIDENT, "resident memory")


def test_live_bytes_settle_the_size_of_blocks() -> None:
    found = live(series(100, live=FLAT + 48 * REQUESTS, blocks=FLAT + REQUESTS), 0.99)
    assert found is not None
    assert found.low_bytes == pytest.approx(48, abs=0.1)
    assert found.high_bytes == pytest.approx(48, abs=0.1)


def test_a_block_is_16_to_512_bytes() -> None:
    found = live(series(100, blocks=FLAT + REQUESTS), 0.99)
    assert found is not None
    assert found.low_bytes == pytest.approx(16, abs=0.5)
    assert found.high_bytes == pytest.approx(512, abs=5)
