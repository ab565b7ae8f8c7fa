"""The rules of the leak verdict, one by one and at their bounds: made-up slopes in, yes or no out."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from leakdrill.judging.leak.decision_rules import (
    Judging,
    above,
    above_from_the_start,
    declines,
    differs,
    goes_on,
    within,
)
from leakdrill.judging.leak.difference import difference, incomparable_reason
from leakdrill.judging.leak.growth_evidence import GrowthEvidence, Trend, gather
from leakdrill.judging.leak.growth_kind import Kind, Live, describe, held, kind_of, live, retained_per_request
from leakdrill.judging.leak.level_shifts import without_level_shifts
from leakdrill.judging.leak.looks import Look, look_after, looks, most_slots, slot_length_s
from leakdrill.judging.leak.projection import Projection, Survival, project
from leakdrill.judging.leak.quiescent_points import Points, points
from leakdrill.judging.leak.slope import NOTHING_KNOWN, Slope, fit_slope
from leakdrill.judging.leak.trace import Trace
from leakdrill.judging.leak.warmup import settled_from
from leakdrill.scenario.gate import Gate

MIB = 1024.0**2
RULES = Judging(budget=32.0)


def slope(per_request=0.0, low=None, high=None, error=1.0):
    return Slope(per_request=per_request, low=per_request - 1 if low is None else low,
                 high=per_request + 1 if high is None else high, error=error, points=24)  # fmt: skip


def trend(every=0.0, first=None, second=None, **more):
    first, second = every if first is None else first, every if second is None else second
    return Trend(all=slope(every, **more), first=slope(first), second=slope(second))


def series(n=24, *, resident=None, quiet=True, requests=None, t=None, **counters):
    requests = 1000.0 * np.arange(n) if requests is None else np.asarray(requests, dtype=float)
    return Points(
        t=10 + 1.5 * np.arange(len(requests)) if t is None else np.asarray(t, dtype=float), requests=requests,
        resident=np.full(len(requests), 30 * MIB) if resident is None else np.asarray(resident, dtype=float),
        counters={name: np.asarray(values, dtype=float) for name, values in counters.items()}, quiet=quiet,
    )  # fmt: skip


def alive(per_request=0.0, *, blocks=None, kept=0.0, tracked=None, exact=False, **more):
    return Live(malloc=slope(per_request, **more), blocks=blocks, kept=slope(kept), tracked=tracked, exact=exact)


def evidence(growth=None, **more):
    growth = trend() if growth is None else growth
    known = {
        "points": series(), "warmup_points": 0, "resident": growth, "whole": growth, "in_use": None,
        "in_use_whole": None, "live": None, "live_second": None, "held": None, "retained": 0.0, "unseen_steps": 0.0,
        "unseen_live_steps": 0.0, "rate_rises": False, "outlasts_ttl": True,
    }  # fmt: skip
    return GrowthEvidence(**(known | more))


@pytest.mark.parametrize(
    ("made", "yes"),
    [
        (evidence(trend(20, high=31.9)), True),
        (evidence(trend(20, high=32.0)), False),
        (evidence(trend(20, high=30.0), unseen_steps=1.9), True),
        (evidence(trend(20, high=30.0), unseen_steps=2.0), False),
        (evidence(trend(20, high=30.0), live=alive(32.0)), True),
        (evidence(trend(20, high=30.0), live=alive(32.1)), False),
        (evidence(trend(20, low=-1, high=90.0), live=alive(20.0, high=31.9)), True),
        (evidence(trend(20, low=-1, high=90.0), live=alive(20.0, high=32.0)), False),
        (evidence(trend(20, low=-1, high=90.0), live=alive(20.0, high=30.0), unseen_live_steps=2.0), False),
        (evidence(trend(20, low=-1, high=90.0), live=alive(20.0, high=30.0), unseen_live_steps=1.9), True),
        (evidence(trend(20, low=-1, high=90.0)), False),
        (evidence(trend(40, low=0, high=90.0, second=32), live=alive(20.0, high=31.0)), True),
        (evidence(trend(40, low=0.1, high=90.0, second=32), live=alive(20.0, high=31.0)), False),
        (evidence(trend(32, low=0.1, high=90.0, second=32), live=alive(20.0, high=31.0)), True),
        (evidence(trend(32, low=0.1, high=90.0, second=32.1), live=alive(20.0, high=31.0)), False),
        (evidence(trend(40, low=9, high=90.0), live=alive(20.0, high=31.0), retained=58.1), True),
        (evidence(trend(40, low=9, high=90.0), live=alive(20.0, high=31.0), retained=58.0), False),
    ],
)
def test_growth_is_within_the_budget(made, yes):
    assert within(made, RULES) is yes


@pytest.mark.parametrize(
    ("made", "yes"),
    [
        (evidence(trend(40, low=32.1)), True),
        (evidence(trend(40, low=32.0)), False),
        (evidence(trend(40, low=33.0), retained=1.0), False),
        (evidence(trend(40, low=33.1), retained=1.0), True),
        (evidence(trend(40, low=33.0, second=32.0)), False),
        (evidence(trend(40, low=33.0, second=32.1)), True),
        (evidence(trend(90, low=80.0, second=33.0), retained=1.0), False),
        (evidence(replace(trend(40, low=33.0), second=slope(33.0, low=0.0))), False),
        (evidence(replace(trend(40, low=33.0), second=slope(33.0, low=0.1))), True),
        (evidence(trend(99, low=90.0, first=160, second=40)), False),
        (evidence(live=alive(33.0, low=32.1), live_second=alive(33.0, low=32.1)), True),
        (evidence(live=alive(33.0, low=32.0), live_second=alive(33.0, low=32.1)), False),
        (evidence(live=alive(33.0, low=32.1), live_second=alive(33.0, low=32.0)), False),
        (evidence(live=alive(33.0, low=32.1)), False),
        (evidence(live=alive(33, low=32.1), live_second=alive(33, low=32.1), in_use=trend(33)), True),
        (evidence(live=alive(33, low=32.1), live_second=alive(33, low=32.1), in_use=trend(9, first=90, second=9)),
         False),
    ],
)  # fmt: skip
def test_growth_is_above_the_budget(made, yes):
    assert above(made, RULES) is yes


@pytest.mark.parametrize(
    ("first", "second", "error", "yes"),
    [
        (100, 60, 0.0, True), (100, 50, 0.0, False), (100, 50.1, 0.0, True), (100, 100, 30.0, False),
        (100, 100, 21.0, True), (-10, -10, 0.0, False), (0, 5, 0.0, True), (-10, 5, 0.0, True),
    ],
)  # fmt: skip
def test_growth_goes_on(first, second, error, yes):
    made = Trend(all=slope(), first=slope(first, error=error), second=slope(second, error=error))
    assert goes_on(made) is yes


def test_the_error_of_a_fall_is_that_of_both_halves():
    made = Trend(all=slope(), first=slope(100, error=3.0), second=slope(58.3, error=4.0))
    assert goes_on(made)  # it fell by 41.7 and at most 41.7 + 1.645 * 5
    assert not goes_on(replace(made, second=slope(58.2, error=4.0)))


@pytest.mark.parametrize(
    ("made", "yes"),
    [
        (evidence(whole=trend(40, low=32.1)), True),
        (evidence(whole=trend(40, low=32.0)), False),
        (evidence(whole=trend(40, low=33.0), retained=1.0), False),
        (evidence(whole=trend(40, low=33.1), retained=1.0), True),
        (evidence(live=alive(40, low=32.1)), True),
        (evidence(live=alive(40, low=32.0)), False),
    ],
)
def test_growth_is_above_from_the_start(made, yes):
    assert above_from_the_start(made, RULES) is yes


STEADY = trend(100)
FALLS = trend(100, first=100, second=80)
HARDLY = trend(100, first=100, second=88)


@pytest.mark.parametrize(
    ("made", "yes"),
    [
        (evidence(STEADY), False),
        (evidence(FALLS), True),
        (evidence(trend(100, first=100, second=90)), False),
        (evidence(trend(100, first=100, second=89.9)), True),
        (evidence(trend(9, first=10, second=7)), False),  # it may be chance
        (evidence(trend(9, first=10, second=6.6)), True),
        (evidence(STEADY, whole=FALLS), False),
        (evidence(trend(100, first=100, second=92), whole=FALLS), False),
        (evidence(trend(100, first=100, second=88.3), whole=FALLS), True),
        (evidence(STEADY, in_use=FALLS, in_use_whole=FALLS), True),
        (evidence(STEADY, in_use=FALLS), False),
        (evidence(STEADY, in_use_whole=FALLS), False),
        (evidence(STEADY, in_use=STEADY, in_use_whole=FALLS), False),
        (evidence(STEADY, in_use=STEADY, in_use_whole=STEADY), False),
    ],
)
def test_growth_declines(made, yes):
    assert declines(made) is yes


def test_what_is_left_is_steady_when_it_can_have_lost_less_than_a_share():
    def lost(error):
        left = Trend(all=slope(), first=slope(100, error=error), second=slope(95, error=error))
        return declines(evidence(left, whole=FALLS))

    assert not lost(3.034)  # 5 + 2.33 * sqrt(2) * 3.0348 = 15
    assert lost(3.035)


@pytest.mark.parametrize(
    ("low", "second", "second_low", "sign"),
    [
        (8.1, 20, 1.0, 1), (8.0, 20, 1.0, 0), (8.1, 20, 0.0, 0), (8.1, 5, 1.0, 0), (8.1, 5.1, 1.0, 1),
    ],
)  # fmt: skip
def test_a_build_differs_from_another_in_either_direction(low, second, second_low, sign):
    more = (slope(10, low=low, high=12), slope(second, low=second_low, high=30))
    assert differs(more, 32.0) == sign
    less = (slope(-10, low=-12, high=-low), slope(-second, low=-30, high=-second_low))
    assert differs(less, 32.0) == -sign


# kinds


@pytest.mark.parametrize(
    ("resident", "counted", "kind"),
    [
        (slope(10, low=0.0), None, Kind.NONE),
        (slope(10, low=0.1), None, Kind.RESIDENT),
        (slope(10, low=0.0), alive(0, low=0.0), Kind.NONE),
        (slope(10, low=0.1), alive(0, low=0.0, kept=5.0), Kind.RETAINED),
        (slope(10, low=0.1), alive(0, low=0.0, kept=4.9), Kind.UNCOUNTED),
        (slope(10, low=0.0), alive(5, low=0.1), Kind.HEAP),
        (slope(10), alive(5, low=0.1), Kind.HEAP),
        (slope(10), alive(4.9, low=0.1), Kind.UNCOUNTED),
        (slope(10), alive(9, low=0.0, kept=0.0), Kind.UNCOUNTED),
        (slope(10), alive(9, low=0.1, tracked=slope(1, low=0.1)), Kind.LIVE_OBJECTS),
        (slope(10), alive(9, low=0.1, tracked=slope(1, low=0.0)), Kind.HEAP),
        (slope(10), alive(9, low=0.1, blocks=slope(0, low=0.0, high=9.0)), Kind.NATIVE),
        (slope(1024), alive(0, low=0.0, blocks=slope(1, low=0.1, high=1.0)), Kind.LIVE_OBJECTS),
        (slope(1025), alive(0, low=0.0, blocks=slope(1, low=0.1, high=1.0)), Kind.UNCOUNTED),
        (slope(-10, low=-11), alive(1, low=0.5), Kind.HEAP),
    ],
)
def test_the_kind_accounts_for_most_of_the_growth(resident, counted, kind):
    assert kind_of(resident, counted) is kind


def test_what_is_live_is_between_its_smallest_and_largest_blocks():
    counted = alive(100, low=90, high=110, blocks=slope(2, low=1, high=3))
    assert (counted.low_bytes, counted.least_bytes, counted.high_bytes) == (106, 132, 110 + 3 * 512)
    exact = replace(counted, exact=True)
    assert (exact.low_bytes, exact.least_bytes, exact.high_bytes) == (90, 100, 110)
    falling = replace(counted, blocks=slope(-2, low=-3, high=-1))
    assert (falling.low_bytes, falling.least_bytes, falling.high_bytes) == (90, 100, 110)
    assert replace(counted, blocks=None).low_bytes == 90


@pytest.mark.parametrize(
    ("resident", "counted", "bytes_"),
    [
        (100, None, 0.0),
        (100, alive(60, kept=50), 40.0),
        (100, alive(60, kept=30), 30.0),
        (100, alive(-60, kept=130), 100.0),
        (100, alive(160, kept=30), 0.0),
        (100, alive(60, kept=-30), 0.0),
        (100, alive(60, kept=30, blocks=slope(1, low=0.1)), 0.0),
        (100, alive(60, kept=30, blocks=slope(1, low=0.0)), 30.0),
        (100, alive(60, kept=30, blocks=slope(1, low=0.1), exact=True), 30.0),
    ],
)
def test_what_malloc_keeps_is_no_more_than_is_unexplained(resident, counted, bytes_):
    assert retained_per_request(slope(resident), counted) == bytes_


@pytest.mark.parametrize(
    ("kind", "counted", "text"),
    [
        (Kind.NONE, None, "nothing"),
        (Kind.LIVE_OBJECTS, None, "live objects"),
        (Kind.LIVE_OBJECTS, alive(blocks=slope(1.0)), "live objects: 1 more block a request"),
        (Kind.LIVE_OBJECTS, alive(blocks=slope(2.504)), "live objects: 2.5 more blocks a request"),
        (Kind.LIVE_OBJECTS, alive(blocks=slope(10.0)), "live objects: 10 more blocks a request"),
        (Kind.LIVE_OBJECTS, alive(blocks=slope(0.01)), "live objects: 0.01 more blocks a request"),
        (Kind.LIVE_OBJECTS, alive(blocks=slope(0.0014)), "live objects: 0.001 more blocks a request"),
        (Kind.LIVE_OBJECTS, alive(tracked=slope(3.0)), "live objects: 3 more tracked objects a request"),
        (Kind.LIVE_OBJECTS, alive(), "live objects"),
        (Kind.NATIVE, alive(64.4), "native memory: 64 B a request held through malloc"),
        (Kind.HEAP, alive(64.6), "live objects or native memory: 65 B a request held through malloc"),
        (Kind.RETAINED, alive(64.6), "allocator-retained memory"),
    ],
)
def test_a_kind_is_described_with_the_count_that_shows_it(kind, counted, text):
    assert describe(kind, counted) == text


def test_what_is_live_is_measured_where_it_is_counted():
    n = 1000.0 * np.arange(24)
    assert live(series(), 0.99) is None
    assert live(series(uord=n, hblkhd=n), 0.99) is None
    assert live(series(uord=n, blocks=n), 0.99) is None
    counted = live(series(uord=5 * n, hblkhd=2 * n, blocks=3 * n, ford=4 * n, gcobj=6 * n), 0.99)
    found = [counted.malloc, counted.blocks, counted.kept, counted.tracked]
    assert [round(one.per_request, 6) for one in found] == [7, 3, 4, 6]
    assert not counted.exact
    bare = live(series(uord=5 * n, hblkhd=2 * n, blocks=0 * n), 0.99)
    assert (bare.blocks, bare.kept, bare.tracked, bare.exact) == (None, NOTHING_KNOWN, None, True)
    exact = live(series(live=9 * n, blocks=n), 0.99)
    assert (round(exact.malloc.per_request, 6), exact.exact) == (9, True)
    for name, resolution in (("blocks", 1.0), ("ford", 16.0), ("gcobj", 1.0), ("malloc", 16.0)):
        one = {"blocks": counted.blocks, "ford": counted.kept, "gcobj": counted.tracked, "malloc": counted.malloc}[name]
        values = {"blocks": 3 * n, "ford": 4 * n, "gcobj": 6 * n, "malloc": 7 * n}[name]
        assert one == fit_slope(n, values, confidence=0.99, resolution=resolution)


def test_threads_or_descriptors_that_grow_are_held():
    n = 1.0 * np.arange(24)
    assert held(series(threads=n, fds=n), 0.99) is Kind.THREADS
    assert held(series(threads=0 * n, fds=n), 0.99) is Kind.DESCRIPTORS
    assert held(series(threads=0 * n, fds=-n), 0.99) is None
    assert held(series(), 0.99) is None
    noisy = 0.1 * n + np.where(np.arange(24) % 2, 3.0, 0.0)
    assert held(series(threads=noisy), 0.5) is not held(series(threads=noisy), 0.999)


# measurements


def test_the_evidence_rests_on_what_is_left_after_warm_up():
    n = np.arange(24)
    filling = 30 * MIB + 1000.0 * n + np.where(n < 6, -5e6 * (6 - n), 0.0)
    made = gather(series(resident=filling), confidence=0.99, longest_ttl_s=1.0)
    assert (made.warmup_points, len(made.points)) == (6, 18)
    assert made.resident.all.per_request == pytest.approx(1.0)
    assert made.whole.all.per_request > 100
    assert made.unseen_steps == pytest.approx(3 * (5e6 + 1000) / 17_000)
    assert (made.live, made.in_use, made.in_use_whole, made.live_second, made.held) == (None,) * 5
    assert made.unseen_live_steps == 0.0
    halves = made.resident
    assert [one.points for one in (halves.all, halves.first, halves.second)] == [18, 9, 9]
    assert (made.leaked_low, made.high) == (made.resident.all.low, made.resident.all.high + made.unseen_steps)


def test_too_few_points_are_not_shortened_further():
    n = np.arange(9)
    made = gather(series(9, resident=30 * MIB + np.where(n < 3, -5e6 * (3 - n), 0.0)), confidence=0.99, longest_ttl_s=1)
    assert (made.warmup_points, len(made.points)) == (0, 9)
    ten = np.arange(10)
    made = gather(series(10, resident=30 * MIB + np.where(ten < 2, -5e6 * (2 - ten), 0.0)), confidence=0.99,
                  longest_ttl_s=1)  # fmt: skip
    assert (made.warmup_points, len(made.points)) == (2, 8)


@pytest.mark.parametrize(
    ("ttl_s", "waited", "outlasts"),
    [(10.0, 0, True), (10.1, 1, True), (34.0, 16, False), (35.5, 0, False), (22.0, 8, True)],
)
def test_what_lives_for_a_while_is_waited_for(ttl_s, waited, outlasts):
    made = gather(series(), confidence=0.99, longest_ttl_s=ttl_s)
    assert (made.warmup_points, made.outlasts_ttl) == (waited, outlasts)


def rates(*, late, quiet=False, n=24):
    """Points whose rate is 100 requests/s in the first third and `late` in the last."""
    per_s = np.concatenate((np.linspace(99, 100, n // 3), np.full(n - 1 - 2 * (n // 3), 100.5), np.full(n // 3, late)))
    requests = np.concatenate(([0.0], np.cumsum(per_s * 1.5)))
    return gather(series(requests=requests, quiet=quiet), confidence=0.9, longest_ttl_s=1.0).rate_rises


def test_a_rate_that_rises_by_a_quarter_throughout_is_told_where_load_never_rested():
    assert rates(late=126.0)
    assert not rates(late=124.0)
    assert not rates(late=126.0, quiet=True)
    assert rates(late=126.0, n=8)
    flat = gather(series(quiet=False), confidence=0.9, longest_ttl_s=1.0)
    assert not flat.rate_rises
    down = 1000 * np.cumsum(np.concatenate(([0], np.linspace(3, 1, 23))))
    assert not gather(series(requests=down, quiet=False), confidence=0.9, longest_ttl_s=1.0).rate_rises


# warm-up, level shifts, points


def test_warm_up_ends_where_a_line_fits_at_least_twice_as_well():
    n = np.arange(24.0)
    step = np.where(n < 5, 0.0, 1e6)
    assert settled_from(1000 * n, step) == 5
    assert settled_from(1000 * n, step, most_cut=0.21) == 5
    assert settled_from(1000 * n, step, most_cut=0.2) == 0
    assert settled_from(1000 * n, np.where(n < 12, 0.0, 1e6)) == 12
    assert settled_from(1000 * n, np.where(n < 13, 0.0, 1e6)) == 0
    assert settled_from(1000 * n, step, resolution=1e9) == 0
    assert settled_from(np.array([]), np.array([])) == 0
    assert settled_from(1000 * n[:3], step[:3]) == 0
    assert settled_from(1000 * n[:8], np.where(n[:8] < 2, 0.0, 1e6)) == 2


def shifts_of(rises):
    rises = np.asarray(rises, dtype=float)
    resident = 30 * MIB + np.concatenate(([0.0], np.cumsum(rises)))
    made = series(len(resident), resident=resident, live=resident, blocks=resident)
    evened, shifts = without_level_shifts(made)
    return [(one.after_requests, one.size_bytes) for one in shifts], evened, made


LEAST = 16 * 4096.0


def test_a_shift_stands_out_by_three_times_the_scatter_and_by_sixteen_pages():
    calm = [100.0, 200.0] * 6
    assert shifts_of([*calm, 200 + LEAST])[0] == [(13_000.0, LEAST + 50)]
    assert shifts_of([*calm, 199 + LEAST])[0] == []
    wild = [0.0, 30_000.0] * 6
    assert shifts_of([*wild, 30_000 + 90_000.0])[0] == [(13_000.0, 105_000.0)]
    assert shifts_of([*wild, 30_000 + 89_999.0])[0] == []


def test_two_shifts_are_told_in_order_and_three_are_none():
    calm = [100.0] * 12
    found, evened, made = shifts_of([*calm[:4], 900_000.0, *calm[:4], 800_000.0, *calm[:4]])
    assert found == [(5000.0, 899_900.0), (10_000.0, 799_900.0)]
    assert np.allclose(np.diff(evened.resident), 100.0)
    assert np.allclose(np.diff(evened.counters["live"]), 100.0)
    assert evened.resident[0] == made.resident[0]
    assert np.array_equal(evened.counters["blocks"], made.counters["blocks"])
    assert shifts_of([*calm, 9e5, *calm, 8e5, *calm, 7e5])[0] == []
    assert shifts_of([100.0, 100.0, 9e5])[0] == [(3000.0, 899_900.0)]
    assert shifts_of([100.0, 9e5])[0] == []


def test_points_have_parts_halves_and_spans():
    made = series(5, uord=[1, 2, 3, 4, 5], hblkhd=[10, 20, 30, 40, 50], blocks=[0, 0, 0, 0, 1])
    first, second = made.halves()
    assert (list(first.requests), list(second.requests)) == ([0, 1000], [2000, 3000, 4000])
    assert list(second.counters["uord"]) == [3, 4, 5]
    assert (made.span_requests, made.span_s) == (4000.0, 6.0)
    assert (made.part(5).span_requests, made.part(5).span_s, len(made.part(1, 3))) == (0.0, 0.0, 2)
    assert list(made.malloc_in_use) == [11, 22, 33, 44, 55]
    assert made.exactly_in_use is None
    assert list(made.part(0, 4).exactly_in_use) == [11, 22, 33, 44]
    assert list(series(2, live=[7, 8], uord=[1, 1], hblkhd=[1, 1]).malloc_in_use) == [7, 8]
    assert list(series(2, live=[7, 8]).exactly_in_use) == [7, 8]
    assert series(2, uord=[1, 1]).malloc_in_use is None
    assert series(2, uord=[1, 1], hblkhd=[1, 1]).exactly_in_use is None


def continuous(requests, resident, t=None):
    requests = np.asarray(requests, dtype=float)
    times = np.arange(len(requests)) * 1.0 if t is None else np.asarray(t)
    return Trace(name="x", t=times, requests=requests, columns={"rss": np.asarray(resident, float)}, quiet=False)


def test_each_stretch_gives_its_lowest_sample_once_and_in_order():
    requests = np.arange(241.0)
    memory = 1e6 + np.abs(requests % 10 - 3)
    taken = points(continuous(requests, memory))
    assert list(taken.requests) == [3.0 + 10 * k for k in range(24)]
    assert not taken.quiet
    late = points(continuous(requests, memory), after_s=121.0)
    assert late.requests[0] == 123.0
    still = points(continuous(np.repeat(np.arange(24.0), 2), np.r_[np.ones(24), 0.5 * np.ones(24)]))
    assert len(set(still.requests.tolist())) == len(still.requests)
    assert np.all(np.diff(still.requests) > 0)


# slopes


def test_a_slope_is_that_of_the_line_with_an_interval_as_wide_as_is_asked():
    n = np.arange(24.0)
    noise = 1e5 * np.sin(37.0 * n)
    made = [fit_slope(1000 * n, 50_000 * n + noise, confidence=c, resolution=4096.0) for c in (0.68, 0.99, 0.999)]
    assert [round(one.per_request, 4) for one in made] == [round(made[0].per_request, 4)] * 3
    assert made[2].low < made[1].low < made[0].low < 50 < made[0].high < made[1].high < made[2].high
    assert made[0].error == pytest.approx((made[0].high - made[0].low) / 2, rel=0.03)
    assert [one.points for one in made] == [24] * 3
    figures = [made[1].per_request, made[1].low, made[1].high, made[1].error]
    assert figures == pytest.approx(FIGURES, rel=1e-5)


FIGURES = [51.1995373, 15.7586483, 86.6379556, 12.8624889]
"""As they were when the rule was written down."""


def test_the_resolution_is_the_least_noise():
    n = np.arange(24.0)
    fine, coarse = (fit_slope(1000 * n, 50_000 * n, resolution=r) for r in (1.0, 4096.0))
    assert coarse.high - coarse.low == pytest.approx(4096 * (fine.high - fine.low), rel=0.01)
    assert fit_slope(1000 * n, 50_000 * n) == fine
    assert fit_slope(1000 * n, 50_000 * n, confidence=0.99) == fine


def test_too_little_gives_an_interval_without_ends():
    n = np.arange(4.0)
    assert fit_slope(n[:3], n[:3]) == NOTHING_KNOWN
    assert fit_slope(n, n).points == 4
    assert fit_slope(np.zeros(4), n) == NOTHING_KNOWN
    assert (NOTHING_KNOWN.per_request, NOTHING_KNOWN.low, NOTHING_KNOWN.high) == (0.0, -math.inf, math.inf)
    assert (NOTHING_KNOWN.error, NOTHING_KNOWN.points) == (math.inf, 0)


# comparing two


def test_two_recordings_are_comparable_when_they_share_most_of_their_requests():
    same = series()
    assert incomparable_reason(same, series(), rate_matters=True) == ""
    assert incomparable_reason(same, series(quiet=False), rate_matters=True) == (
        "the candidate has quiet points and the baseline has none"
    )
    assert incomparable_reason(series(quiet=False), same, rate_matters=True) == (
        "the baseline has quiet points and the candidate has none"
    )
    for one, two in ((same, series(0)), (series(0), same)):
        assert incomparable_reason(one, two, rate_matters=False) == "one of them has no points"


@pytest.mark.parametrize(("shift", "told"), [(9000, False), (9200, False), (9201, True), (10_000, True)])
def test_less_than_sixty_percent_of_the_requests_is_too_little(shift, told):
    text = f"the candidate served requests 0 to 23000, the baseline {shift} to {23_000 + shift}"
    later = series(requests=1000.0 * np.arange(24) + shift)
    assert incomparable_reason(series(), later, rate_matters=False) == (text if told else "")
    assert bool(incomparable_reason(later, series(), rate_matters=False)) is told


def test_eight_points_must_be_shared():
    eight, seven = (series(requests=np.linspace(0, 23_000, n)) for n in (8, 7))
    assert incomparable_reason(eight, series(), rate_matters=False) == ""
    assert incomparable_reason(seven, series(), rate_matters=False).startswith("the candidate served requests 0 to")


@pytest.mark.parametrize(("stretch", "told"), [(1.15, False), (1.16, True), (0.85, False), (0.84, True)])
def test_the_same_requests_come_at_the_same_time_where_the_rate_matters(stretch, told):
    slower = series(t=10 + 1.5 * stretch * np.arange(24))
    text = f"the same requests came up to {abs(stretch - 1) * 34.5:.1f} s earlier or later: the load was not the same"
    assert incomparable_reason(series(), slower, rate_matters=True) == (text if told else "")
    assert incomparable_reason(series(), slower, rate_matters=False) == ""
    later = series(t=500 + 1.5 * np.arange(24))
    assert incomparable_reason(series(), later, rate_matters=True) == ""


def test_the_difference_is_of_what_is_in_use_where_both_have_it_else_of_what_is_resident():
    n = 1000.0 * np.arange(24)
    one, two = series(resident=50 * n, live=9 * n), series(resident=20 * n, live=4 * n)
    assert [round(s.per_request, 3) for s in difference(one, two, confidence=0.99)] == [5, 5]
    bare = replace(two, counters={})
    assert [round(s.per_request, 3) for s in difference(one, bare, confidence=0.99)] == [30, 30]
    assert [round(s.per_request, 3) for s in difference(bare, one, confidence=0.99)] == [-30, -30]
    whole, second = difference(one, bare, confidence=0.99)
    assert whole == fit_slope(n, 30 * n, confidence=0.99, resolution=4096)
    assert second == fit_slope(n[12:], 30 * n[12:], confidence=0.99, resolution=4096)
    exact = difference(one, two, confidence=0.9)[0]
    assert exact == fit_slope(n, 5 * n, confidence=0.9, resolution=16)


# schedule and projection


def test_the_looks_share_the_error():
    assert looks(24) == (Look(12, 0.999, last=False), Look(18, 0.999, last=False), Look(24, 0.992, last=True))
    assert looks(8) == (Look(8, 0.99, last=True),)
    assert looks(15) == (Look(11, 0.999, last=False), Look(15, 0.991, last=True))
    assert looks(16) == (Look(8, 0.999, last=False), Look(12, 0.999, last=False), Look(16, 0.992, last=True))
    assert looks() == looks(24) == looks(24, 24) == looks(24, 7)
    long = looks(24, 100)
    assert [look.after_slots for look in long] == [12, 18, 24, 36, 54, 81, 100]
    assert sum(1 - look.confidence for look in long) == pytest.approx(0.01)
    assert long[0].confidence == pytest.approx(1 - 0.01 * 0.5 / 6)
    assert [look.last for look in long] == [False] * 6 + [True]
    assert [look.after_slots for look in looks(9, 14)] == [9, 14]


def test_a_run_is_judged_by_the_look_at_which_it_ended():
    planned = looks(24)
    assert [look_after(n, planned).after_slots for n in (12, 18, 24, 13, 99)] == [12, 18, 24, 24, 24]
    assert look_after(12, planned, time_is_up=True) == planned[-1]


@pytest.mark.parametrize(("rest_s", "length_s"), [(0.0, 1.0), (0.25, 1.0), (0.3, 1.2), (0.4, 1.6), (0.5, 1.6)])
def test_a_slot_is_longer_after_a_long_rest(rest_s, length_s):
    assert slot_length_s(1.0, rest_s) == pytest.approx(length_s)
    assert slot_length_s(2.0, 2 * rest_s) == pytest.approx(2 * length_s)


def test_the_most_slots_are_those_that_time_allows_and_the_baseline_can_be_compared_with():
    gate = Gate.model_validate({"at_most": "100s", "slot": "2s", "slots": 20, "longest_ttl": "10s"})
    waited = max(gate.warmup.at_least, 10.0)
    most = int((100 - waited) / 2)
    assert most_slots(gate) == most
    assert most_slots(gate, 20) == 30
    assert most_slots(gate, 10) == 20
    assert most_slots(gate, 1000) == most
    assert most_slots(gate.model_copy(update={"slots": 90})) == 90
    assert most_slots(gate.model_copy(update={"longest_ttl": 50.0})) == 25


def test_a_promise_allows_what_is_left_by_its_requests():
    promise = Survival(seconds=100.0, requests_per_s=2.0, limit_bytes=1000.0)
    assert (promise.budget(600.0), promise.budget(1000.0), promise.budget(1001.0)) == (2.0, 0.0, 0.0)
    found = project(slope(2, low=1, high=4), level_bytes=600.0, limit_bytes=1000.0, requests_per_s=2.0)
    assert found == Projection(expected_s=100.0, soonest_s=50.0, latest_s=200.0)
    none = project(slope(0, low=-1, high=0), level_bytes=600.0, limit_bytes=1000.0, requests_per_s=2.0)
    assert none == Projection(expected_s=None, soonest_s=None, latest_s=None)
    assert str(none) == "never out of memory"
    maybe = project(slope(0, low=-1, high=4), level_bytes=600.0, limit_bytes=1000.0, requests_per_s=2.0)
    assert str(maybe) == "out of memory in 50 s at the soonest, if at all"
    assert str(replace(found, latest_s=None)) == "out of memory in 1 min 40 s, 50 s at the soonest"
    assert str(found) == "out of memory in 1 min 40 s, 50 s to 3 min 20 s"
    full = project(slope(2, low=1, high=4), level_bytes=1001.0, limit_bytes=1000.0, requests_per_s=2.0)
    assert full == Projection(expected_s=0.0, soonest_s=0.0, latest_s=0.0)
