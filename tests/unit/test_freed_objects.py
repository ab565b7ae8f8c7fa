"""A step that freed what had leaked, while the allocator kept its pages, is told from one that did nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from histories import drill, leaking, plan, requests_at

from leakdrill.judging.checks.steps import step_works
from leakdrill.record.events import ServiceMetrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.verdict import Verdict

ENTRIES = 'shop_cache_entries{shard="0"}'


def kept(t: float) -> float:
    """Memory that a flush at 55.5 s leaves where it was."""
    return leaking(min(t, 55.4))


def judged(gauge: Callable[[float], float], series: str = ENTRIES) -> Verdict:
    record = drill(kept)
    for t in range(6, 71):
        record.sample(t + 0.3, ServiceMetrics.of({"http_requests_total": requests_at(t), series: gauge(t)}))
    scenario = plan()
    return step_works(record.history(), step=scenario.steps[0], scenario=scenario)


def test_objects_that_were_freed_are_named_and_so_is_the_allocator():
    verdict = judged(lambda t: 12.0 if t < 15 or t > 55 else 12 + (t - 15) * 100)
    assert verdict.outcome == "FAIL"
    assert f"the service's own {ENTRIES} fell from 3,912 to 12" in verdict.message
    assert "objects were freed and memory was kept" in verdict.message
    assert "malloc_trim" in verdict.hint


@pytest.mark.parametrize(
    ("gauge", "series"),
    [
        (lambda t: 12 + (t - 15) * 100, ENTRIES),  # it goes on growing
        (lambda t: 40.0 if t % 2 else 3.0, ENTRIES),  # it goes up and down
        (lambda t: 5.0 if t < 55 else 1.0, ENTRIES),  # it had not grown
        (lambda t: 0.0 if t > 55 else t * 10, "shop_errors_total"),
        (lambda t: 0.0 if t > 55 else t * 10, "process_open_fds"),
    ],
)
def test_what_did_not_grow_with_the_leak_and_fall_with_the_step_says_nothing(gauge, series):
    verdict = judged(gauge, series)
    assert verdict.outcome == "FAIL"
    assert "freed" not in verdict.message
    assert "does not treat what grows" in verdict.hint
