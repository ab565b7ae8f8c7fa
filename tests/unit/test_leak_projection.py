"""When memory runs out, and which growth a promise allows."""

from __future__ import annotations

import pytest

from leakdrill.judging.leak.projection import Survival, project
from leakdrill.judging.leak.slope import Slope

GIB = 1024**3


def growth(low: float, per_request: float, high: float) -> Slope:
    return Slope(per_request=per_request, low=low, high=high, error=1.0, points=24)


def test_growth_is_projected_to_the_limit_with_its_interval() -> None:
    found = project(growth(50, 100, 200), level_bytes=GIB, limit_bytes=2 * GIB, requests_per_s=50)
    assert str(found) == "out of memory in 2 d 11 h, 1 d 5 h to 4 d 23 h"


def test_growth_that_may_be_none_has_a_soonest_time_only() -> None:
    found = project(growth(-5, 100, 200), level_bytes=GIB, limit_bytes=2 * GIB, requests_per_s=50)
    assert str(found) == "out of memory in 2 d 11 h, 1 d 5 h at the soonest"


def test_no_growth_that_is_not_certain_may_still_end_some_day() -> None:
    found = project(growth(-5, -1, 2), level_bytes=GIB, limit_bytes=2 * GIB, requests_per_s=50)
    assert str(found).endswith("at the soonest, if at all")


def test_memory_that_falls_never_runs_out() -> None:
    found = project(growth(-5, -2, -1), level_bytes=GIB, limit_bytes=2 * GIB, requests_per_s=50)
    assert str(found) == "never out of memory"


def test_a_level_above_the_limit_is_out_of_memory_at_once() -> None:
    found = project(growth(1, 2, 3), level_bytes=3 * GIB, limit_bytes=2 * GIB, requests_per_s=50)
    assert found.expected_s == 0


def test_a_promise_becomes_a_budget() -> None:
    promise = Survival(seconds=30 * 86400, requests_per_s=50, limit_bytes=2 * GIB)
    assert promise.budget(GIB) == pytest.approx(8.28, abs=0.01)
    assert promise.budget(3 * GIB) == 0
