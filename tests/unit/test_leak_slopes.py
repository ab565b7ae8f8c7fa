"""Growth and its interval: steps are no trend, lines are, and the interval holds what it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakdrill.judging.leak.slope import FEWEST_POINTS, NOTHING_KNOWN, fit_slope

REQUESTS = np.arange(1, 25) * 1000.0


def steps(count: int) -> np.ndarray:
    """A level with `count` equal rises, spread evenly."""
    levels = np.zeros(len(REQUESTS))
    for at in np.linspace(0, len(REQUESTS), count + 2)[1:-1]:
        levels[int(at) :] += 500_000
    return levels


def test_a_line_is_found_with_a_narrow_interval() -> None:
    found = fit_slope(REQUESTS, 64 * REQUESTS, resolution=4096)
    assert found.low < 64 < found.high
    assert found.high - found.low < 3


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_steps_are_no_trend(count: int) -> None:
    assert fit_slope(REQUESTS, steps(count)).low < 0


def test_as_many_steps_as_slots_are_a_trend() -> None:
    assert fit_slope(REQUESTS, 500_000.0 * np.arange(24)).low > 0


def test_a_flat_line_is_known_to_the_rounding_of_its_readings() -> None:
    found = fit_slope(REQUESTS, np.full(24, 7e6), resolution=4096)
    assert found.per_request == pytest.approx(0, abs=1e-9)
    assert 0.05 < found.high < 2


def test_too_few_points_have_no_interval() -> None:
    few = FEWEST_POINTS - 1
    assert fit_slope(REQUESTS[:few], REQUESTS[:few]) == NOTHING_KNOWN


def test_no_requests_have_no_interval() -> None:
    assert fit_slope(np.zeros(24), REQUESTS) == NOTHING_KNOWN


def test_more_confidence_is_a_wider_interval() -> None:
    noisy = np.random.default_rng(1).normal(0, 1e5, 24)
    narrow, wide = (fit_slope(REQUESTS, noisy, confidence=c) for c in (0.9, 0.999))
    assert wide.low < narrow.low < narrow.per_request < narrow.high < wide.high


@pytest.mark.parametrize("kind", ["noise", "walk", "both"])
def test_intervals_hold_the_truth_as_often_as_they_say(kind: str) -> None:
    """Of 300 recordings without growth, the 90 % interval leaves out no more than one in ten, and a few by chance."""
    rng = np.random.default_rng(7)
    missed = 0
    for _ in range(300):
        noise, walk = rng.normal(0, 1e5, 24), np.cumsum(rng.normal(0, 1e5, 24))
        found = fit_slope(REQUESTS, {"noise": noise, "walk": walk, "both": noise + walk}[kind], confidence=0.9)
        missed += not found.low <= 0 <= found.high
    assert missed <= 40


def test_what_lives_for_a_while_is_no_trend() -> None:
    """A store whose entries live for seven slots drifts smoothly, and is still held by the 99 % interval."""
    rng = np.random.default_rng(8)
    missed = 0
    for _ in range(200):
        walk = np.cumsum(rng.normal(0, 1e5, 31))
        found = fit_slope(REQUESTS, np.convolve(walk, np.ones(7) / 7, mode="valid")[:24])
        missed += not found.low <= 0 <= found.high
    assert missed <= 6


@settings(max_examples=30, deadline=None)
@given(scale=st.floats(0.1, 1000), shift=st.floats(-1e9, 1e9), growth=st.floats(-500, 500))
def test_growth_does_not_depend_on_where_and_how_memory_is_counted(scale: float, shift: float, growth: float) -> None:
    noisy = np.random.default_rng(3).normal(0, 1e4, 24)
    plain = fit_slope(REQUESTS, noisy, resolution=1)
    moved = fit_slope(REQUESTS, scale * noisy + shift + growth * REQUESTS, resolution=scale)
    for end in ("per_request", "low", "high"):
        assert getattr(moved, end) == pytest.approx(scale * getattr(plain, end) + growth, rel=1e-3, abs=1e-2 * scale)
