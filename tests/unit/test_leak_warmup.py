"""Where warm-up ends."""

from __future__ import annotations

import numpy as np

from leakdrill.judging.leak.warmup import settled_from

REQUESTS = np.arange(24) * 1000.0


def test_a_line_has_no_warm_up() -> None:
    assert settled_from(REQUESTS, 64 * REQUESTS, resolution=4096) == 0


def test_a_level_that_fills_at_first_is_cut() -> None:
    filling = 5e6 * (1 - np.exp(-np.arange(24) / 1.5))
    assert 4 <= settled_from(REQUESTS, filling, resolution=4096) <= 12


def test_growth_after_warm_up_is_left() -> None:
    filling = 5e6 * (1 - np.exp(-np.arange(24) / 1.0)) + 100 * REQUESTS
    start = settled_from(REQUESTS, filling, resolution=4096)
    assert np.polyfit(REQUESTS[start:], filling[start:], 1)[0] < 120


def test_never_more_than_half_is_cut() -> None:
    assert settled_from(REQUESTS, np.exp(-np.arange(24) / 8.0) * 1e8) <= 12


def test_noise_is_not_cut() -> None:
    cuts = [settled_from(REQUESTS, np.random.default_rng(seed).normal(0, 1e5, 24)) for seed in range(50)]
    assert np.median(cuts) == 0


def test_two_points_have_no_warm_up() -> None:
    assert settled_from(REQUESTS[:2], REQUESTS[:2]) == 0
