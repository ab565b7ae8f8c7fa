"""A recording reduced to comparable points."""

from __future__ import annotations

import numpy as np

from leakdrill.judging.leak.quiescent_points import STRETCHES, points
from leakdrill.judging.leak.trace import Trace


def trace(requests: np.ndarray, memory: np.ndarray, *, quiet: bool, **counters: np.ndarray) -> Trace:
    t = np.arange(len(requests)) * 0.1
    return Trace(name="x", t=t, requests=requests, columns={"rss": memory, **counters}, quiet=quiet)


def test_quiet_points_are_taken_as_they_are() -> None:
    taken = points(trace(np.arange(24.0), np.arange(24.0), quiet=True, blocks=np.arange(24.0)))
    assert len(taken) == 24
    np.testing.assert_array_equal(taken.counters["blocks"], np.arange(24.0))


def test_of_points_without_a_request_between_them_the_last_counts() -> None:
    taken = points(trace(np.array([0.0, 5, 5, 9]), np.array([1.0, 2, 3, 4]), quiet=True))
    np.testing.assert_array_equal(taken.resident, [1, 3, 4])


def test_many_quiet_points_are_thinned_evenly() -> None:
    taken = points(trace(np.arange(1000.0), np.arange(1000.0), quiet=True))
    assert len(taken) == 60
    assert (taken.requests[0], taken.requests[-1]) == (0, 999)


def test_a_stretch_of_load_is_represented_by_its_lowest_sample() -> None:
    requests = np.arange(240.0)
    saw = 1e6 + (requests % 10) * 1e5
    taken = points(trace(requests, saw, quiet=False))
    assert len(taken) <= STRETCHES
    assert set(taken.resident) == {1e6}


def test_stretches_have_equally_many_requests_whatever_the_rate() -> None:
    requests = np.cumsum(np.r_[np.full(200, 1.0), np.full(100, 20.0)])
    taken = points(trace(requests, np.linspace(1e6, 2e6, 300), quiet=False))
    assert np.diff(taken.requests).max() < 2 * requests[-1] / STRETCHES


def test_the_beginning_of_a_continuous_recording_can_be_left_out() -> None:
    assert points(trace(np.arange(300.0), np.ones(300), quiet=False), after_s=10).t[0] >= 10


def test_nothing_may_be_left() -> None:
    assert len(points(trace(np.arange(30.0), np.ones(30), quiet=False), after_s=10)) == 0


def test_without_python_s_allocator_malloc_sees_all_that_is_in_use() -> None:
    ones = np.ones(24)
    taken = points(trace(np.arange(24.0), ones, quiet=True, blocks=0 * ones, uord=ones, hblkhd=2 * ones))
    assert taken.exactly_in_use is not None
    np.testing.assert_array_equal(taken.exactly_in_use, 3 * ones)
