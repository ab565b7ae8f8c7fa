"""The estimates find what is there, and their intervals hold what they promise on series that lean on themselves."""

from __future__ import annotations

import numpy as np
import pytest
from histories import MIB, drill, leaking, plan
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from leakdrill.judging.checks.return_to_baseline import memory_returns_to_baseline
from leakdrill.judging.evidence.statistics import block_length, difference_of_levels, robust_slope, swing, theil_sen
from leakdrill.record.verdict import Outcome

SEEDS = st.integers(0, 2**32 - 1)


def drifting(random: np.random.Generator, count: int, *, lean: float, spread: float) -> np.ndarray:
    """A series whose neighbours correlate by `lean` and whose values spread by `spread`, around 0."""
    values = np.empty(count)
    values[0] = random.normal(0, spread)
    shocks = random.normal(0, spread * np.sqrt(1 - lean**2), count)
    for i in range(1, count):
        values[i] = lean * values[i - 1] + shocks[i]
    return values


@given(st.floats(-1e6, 1e6), st.floats(-1e9, 1e9), st.integers(3, 200))
def test_a_straight_line_has_its_own_slope(steepness: float, start: float, count: int) -> None:
    x = np.arange(count, dtype=float)
    found = robust_slope(x, start + steepness * x)
    assert found.estimate == pytest.approx(steepness, rel=1e-6, abs=1e-4)
    assert found.low <= found.estimate <= found.high


def test_a_slope_ignores_a_quarter_of_wild_points() -> None:
    x = np.arange(40, dtype=float)
    y = 3 * x
    y[::5] += 1e6
    assert theil_sen(x, y).estimate == pytest.approx(3, rel=0.01)


def test_a_slope_without_any_run_is_refused() -> None:
    with pytest.raises(ValueError, match="different x"):
        theil_sen(np.ones(5), np.arange(5.0))


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_the_same_record_gets_the_same_interval_every_time(seed: int) -> None:
    random = np.random.default_rng(seed)
    before, after = drifting(random, 100, lean=0.5, spread=1), drifting(random, 90, lean=0.5, spread=1)
    first, second = difference_of_levels(before, after), difference_of_levels(before, after)
    assert first == second
    assert first.low <= first.estimate <= first.high


@settings(max_examples=50, deadline=None)
@given(st.floats(-1e9, 1e9), st.integers(10, 300))
def test_series_that_do_not_vary_differ_by_exactly_their_levels(level: float, count: int) -> None:
    found = difference_of_levels(np.full(count, level), np.full(count, level + 7))
    assert found.low == pytest.approx(7, rel=1e-6, abs=1e-5)
    assert found.high == pytest.approx(7, rel=1e-6, abs=1e-5)


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=200))
def test_a_block_is_never_longer_than_a_quarter_of_the_series(values: list[float]) -> None:
    assert 1 <= block_length(np.array(values)) <= max(1, len(values) // 4)


def test_the_swing_of_a_sawtooth_is_its_height_and_its_trend_does_not_count() -> None:
    x = np.arange(200, dtype=float)
    assert swing(1000 * x) == pytest.approx(0, abs=1e-6)
    assert swing((x % 20) + 5 * x) == pytest.approx(18, abs=2)


@pytest.mark.parametrize("lean", [0.0, 0.5, 0.8])
def test_the_interval_of_a_difference_misses_the_truth_about_as_rarely_as_it_says(lean: float) -> None:
    random = np.random.default_rng(7)
    missed = 0
    for _ in range(300):
        found = difference_of_levels(
            drifting(random, 100, lean=lean, spread=1), drifting(random, 90, lean=lean, spread=1)
        )
        missed += not found.low <= 0 <= found.high
    assert missed / 300 < 0.14, "5 % are promised; short, leaning series cost some of that, not all"


def noisy(seed: int, *, spread: float, lean: float, extra_per_request: float = 0.0) -> Outcome:
    """The verdict on a whole drill whose memory is noisy, and grows by `extra_per_request` after the step."""
    noise = drifting(np.random.default_rng(seed), 800, lean=lean, spread=spread)

    def memory(t: float) -> float:
        return leaking(t) + noise[round(t * 10)] + (extra_per_request * 100 * (t - 55.5) if t > 55.5 else 0)

    return memory_returns_to_baseline(drill(memory).history(), scenario=plan()).outcome


@pytest.mark.parametrize(
    ("spread", "lean", "least_passes"), [(0.1 * MIB, 0.0, 24), (0.5 * MIB, 0.5, 22), (1 * MIB, 0.9, 15)]
)
def test_a_noisy_service_that_came_back_is_not_failed(spread: float, lean: float, least_passes: int) -> None:
    """Never failed; and only where memory wanders like a leak is it sometimes unknown after nine seconds."""
    outcomes = [noisy(seed, spread=spread, lean=lean) for seed in range(24)]
    assert outcomes.count(Outcome.FAIL) == 0
    assert outcomes.count(Outcome.PASS) >= least_passes


@pytest.mark.parametrize("extra", [16 * 1024, 64 * 1024])
def test_a_noisy_service_that_still_leaks_is_failed(extra: float) -> None:
    outcomes = [noisy(seed, spread=0.5 * MIB, lean=0.5, extra_per_request=extra) for seed in range(20)]
    assert outcomes.count(Outcome.PASS) == 0
    assert outcomes.count(Outcome.FAIL) >= 18


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.floats(0, 3 * MIB), st.floats(0, 0.95))
def test_the_leak_itself_never_passes_whatever_the_noise(seed: int, spread: float, lean: float) -> None:
    assert noisy(seed, spread=spread, lean=lean, extra_per_request=64 * 1024) != Outcome.PASS


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(0, 3))
def test_steps_of_an_allocator_up_and_down_are_never_failed(seed: int, count: int) -> None:
    """Up to three arenas of 1 MiB taken or given back at random times; three that are taken one by one are growth."""
    random = np.random.default_rng(seed)
    steps = list(zip(random.uniform(56, 71, count), random.choice([-1, 1], count), strict=True))
    assume(sum(sign for _, sign in steps) < 3)

    def memory(t: float) -> float:
        return leaking(t) + sum(MIB * sign for at, sign in steps if t > at)

    assert memory_returns_to_baseline(drill(memory).history(), scenario=plan()).outcome != Outcome.FAIL
