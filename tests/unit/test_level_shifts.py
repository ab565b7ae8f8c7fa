"""Leaps of memory: found when they stand out, and taken out only to find what grows between them."""

import numpy as np
import pytest

from leakdrill.judging.leak.leak_verdict import LeakOutcome, judge_trace
from leakdrill.judging.leak.level_shifts import without_level_shifts
from leakdrill.judging.leak.quiescent_points import points
from leakdrill.judging.leak.trace import Trace

MIB = 1024**2
REQUESTS = 7000


def recording(*, growth=0.0, leaps=(), waver=8192, slots=24):
    """Quiet points of a service that grows by `growth` bytes a request, with `leaps` of (point, bytes)."""
    at = np.arange(slots)
    requests = 80_000.0 + REQUESTS * at
    held = growth * REQUESTS * at + sum(size * (at >= point) for point, size in leaps)
    noise = np.random.default_rng(5).integers(0, waver // 4096 + 1, slots) * 4096.0
    columns = {"anon": 30.0 * MIB + held + noise, "live": 20.0 * MIB + held}
    return Trace(name="made", t=15.0 + 1.25 * at, requests=requests, columns=columns, quiet=True)


def test_a_table_that_doubles_is_a_leap_and_what_grows_beside_it_stays():
    series = points(recording(growth=300, leaps=[(15, 5 * MIB)]))
    evened, [leap] = without_level_shifts(series)
    assert leap.size_bytes == pytest.approx(5 * MIB, rel=0.01)
    assert leap.after_requests == 80_000 + 15 * REQUESTS
    assert np.ptp(evened.resident) == pytest.approx(300 * 23 * REQUESTS, rel=0.02)
    assert np.ptp(evened.counters["live"]) == pytest.approx(300 * 23 * REQUESTS, rel=0.001)


@pytest.mark.parametrize(
    "leaps",
    [
        (),
        [(15, MIB / 32)],
        [(6, MIB), (12, MIB), (18, MIB)],
        [(4, MIB), (8, 2 * MIB), (12, 3 * MIB), (20, 5 * MIB)],
    ],
)
def test_nothing_leaps_where_nothing_stands_out_or_too_much_does(leaps):
    series = points(recording(leaps=leaps))
    assert without_level_shifts(series) == (series, ())


def test_a_leak_is_found_beside_a_table_that_doubles():
    verdict = judge_trace(recording(growth=300, leaps=[(15, 5 * MIB)]))
    assert verdict.outcome is LeakOutcome.LEAK
    assert "it leapt by 5 MiB after 185000 requests, as a table that doubles does, which is left out" in (
        verdict.message
    )
    assert verdict.growth.per_request == pytest.approx(300, rel=0.02)


def test_a_leap_alone_is_neither_a_leak_nor_clean():
    verdict = judge_trace(recording(leaps=[(15, 5 * MIB)]))
    assert verdict.outcome is LeakOutcome.UNKNOWN
    assert verdict.more_would_settle
    assert "as a table that doubles does; without that it grows by" in verdict.message


def test_growth_within_the_budget_beside_a_leap_is_no_leak():
    assert judge_trace(recording(growth=20, leaps=[(15, 5 * MIB)])).outcome is LeakOutcome.UNKNOWN


def test_a_leak_that_the_baseline_has_too_is_no_leak_beside_a_leap():
    candidate, baseline = (recording(growth=300, leaps=[(at, 5 * MIB)]) for at in (15, 14))
    assert judge_trace(candidate, baseline).outcome is LeakOutcome.UNKNOWN
