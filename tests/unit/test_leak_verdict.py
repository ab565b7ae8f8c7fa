"""The word on made-up recordings: each rule that makes a LEAK, a CLEAN or an UNKNOWN, one at a time."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from leakdrill.judging.leak.growth_kind import Kind
from leakdrill.judging.leak.leak_verdict import LeakOutcome, LeakVerdict, judge_trace
from leakdrill.judging.leak.trace import Trace
from leakdrill.record.verdict import Outcome

SLOTS = 24
REQUESTS = 40_000 + np.arange(SLOTS) * 2800.0
T = 21.4 + np.arange(SLOTS) * 1.4
FLAT = np.full(SLOTS, 2e7)
NOISE = np.random.default_rng(5).normal(0, 3000, SLOTS)


def recording(memory: np.ndarray, *, t: np.ndarray = T, quiet: bool = True, **counters: np.ndarray) -> Trace:
    requests = REQUESTS if len(t) == SLOTS else np.linspace(0, 60_000, len(t))
    return Trace(name="run.csv", t=t, requests=requests, columns={"anon": memory, **counters}, quiet=quiet)


def judge(memory: np.ndarray, baseline: np.ndarray | None = None, **settings: float) -> LeakVerdict:
    return judge_trace(recording(memory), None if baseline is None else recording(baseline), **settings)


@pytest.mark.parametrize("size", [40, 64, 1000, 100_000])
def test_growth_above_the_budget_all_the_time_is_a_leak(size: float) -> None:
    verdict = judge(FLAT + NOISE + size * REQUESTS)
    assert verdict.outcome is LeakOutcome.LEAK
    assert verdict.growth.low <= size <= verdict.growth.high


def test_a_flat_line_is_clean_and_says_what_it_could_not_see() -> None:
    verdict = judge(FLAT + NOISE)
    assert verdict.outcome is LeakOutcome.CLEAN
    assert verdict.message.startswith("no growth was seen")
    assert verdict.hint == "a leak in fewer than one of 21467 requests need not have shown"


def test_growth_within_the_budget_is_called_growth() -> None:
    verdict = judge(FLAT + NOISE + 20 * REQUESTS)
    assert verdict.outcome is LeakOutcome.CLEAN
    assert verdict.message.startswith("memory grows by 20.")


def test_growth_at_the_budget_is_unknown_and_says_what_would_settle_it() -> None:
    verdict = judge(FLAT + 10 * NOISE + 32 * REQUESTS)
    assert verdict.outcome is LeakOutcome.UNKNOWN
    assert "above and below the budget of 32 B are both possible" in verdict.message
    assert verdict.hint


def test_growth_that_ends_is_no_leak() -> None:
    memory = FLAT + NOISE + 500 * np.minimum(REQUESTS, REQUESTS[14])
    assert judge(memory).outcome is LeakOutcome.UNKNOWN


def test_growth_that_declines_is_a_cache_that_may_be_filling() -> None:
    verdict = judge(FLAT + NOISE + 4e7 * (1 - np.exp(-REQUESTS / 60_000)))
    assert (verdict.outcome, verdict.kind) == (LeakOutcome.UNKNOWN, Kind.FILLING)
    assert "replay the same requests" in verdict.hint


def test_one_step_is_no_leak_and_no_proof_of_none() -> None:
    memory = FLAT + NOISE + 1e6 * (np.arange(SLOTS) > 9)
    verdict = judge(memory)
    assert (verdict.outcome, verdict.kind) == (LeakOutcome.UNKNOWN, Kind.STEPS)


def test_readings_in_kibibytes_are_not_taken_for_bytes() -> None:
    rss = np.full(60, 51_200.0)
    trace = Trace(name="x", t=np.arange(60.0), requests=np.arange(60.0) * 99, columns={"rss": rss}, quiet=True)
    verdict = judge_trace(trace)
    assert verdict.outcome is LeakOutcome.UNKNOWN
    assert verdict.message == "rss is never above 50 KiB, and no process under load is so small"
    assert judge_trace(replace(trace, columns={"rss": rss * 1024})).outcome is LeakOutcome.CLEAN


def test_a_few_points_are_unknown() -> None:
    trace = Trace(name="x", t=np.arange(5.0), requests=np.arange(5.0), columns={"rss": np.arange(5.0)}, quiet=True)
    verdict = judge_trace(trace)
    assert verdict.outcome is LeakOutcome.UNKNOWN
    assert verdict.message == "5 points are too few to tell growth from chance; expected 8 or more"


def test_readings_without_a_request_say_so() -> None:
    trace = Trace(name="x", t=np.arange(60.0), requests=np.zeros(60), columns={"rss": np.full(60, 5e7)}, quiet=True)
    verdict = judge_trace(trace)
    assert verdict.outcome is LeakOutcome.UNKNOWN
    assert verdict.message == "no request was counted in 60 readings, so growth per request has no meaning"


def test_a_service_that_is_started_anew_again_and_again_is_told() -> None:
    rss = 3e8 + 1e7 * (np.arange(60.0) % 20)
    trace = Trace(name="x", t=np.arange(60.0), requests=np.arange(60.0) * 99, columns={"rss": rss}, quiet=False)
    verdict = judge_trace(trace)
    assert verdict.outcome is LeakOutcome.UNKNOWN
    assert verdict.message.startswith("memory fell 2 times, the first time from 467 MiB to 286 MiB: was the service")
    once = replace(trace, columns={"rss": np.where(np.arange(60) < 40, rss, rss[39])})
    assert "memory fell" not in judge_trace(once).message


def test_an_empty_recording_is_unknown() -> None:
    nothing = np.array([])
    trace = Trace(name="x", t=nothing, requests=nothing, columns={"rss": nothing}, quiet=False)
    assert judge_trace(trace).outcome is LeakOutcome.UNKNOWN


def test_growth_younger_than_a_time_to_live_is_unknown() -> None:
    verdict = judge_trace(recording(FLAT + NOISE + 500 * REQUESTS, t=T / 10))
    assert verdict.outcome is LeakOutcome.UNKNOWN
    assert "entries that live for 10 s look the same" in verdict.message


def test_a_longer_time_to_live_can_be_named() -> None:
    assert judge(FLAT + NOISE + 500 * REQUESTS, longest_ttl_s=60).outcome is LeakOutcome.UNKNOWN


def test_growth_under_a_load_that_only_rises_is_unknown() -> None:
    t = np.sqrt(np.linspace(0, 1, 400)) * 50
    memory = 2e7 + 500 * np.linspace(0, 60_000, 400)
    verdict = judge_trace(recording(memory, t=t, quiet=False))
    assert (verdict.outcome, verdict.kind) == (LeakOutcome.UNKNOWN, Kind.FOLLOWS_RATE)


def test_growth_under_a_load_that_goes_up_and_down_is_a_leak() -> None:
    t = np.linspace(0, 50, 400) + 2 * np.sin(np.linspace(0, 12, 400))
    memory = 2e7 + 500 * np.linspace(0, 60_000, 400)
    assert judge_trace(recording(memory, t=np.maximum.accumulate(t), quiet=False)).outcome is LeakOutcome.LEAK


def counted(memory: np.ndarray, **counters: np.ndarray) -> Trace:
    some = np.full(SLOTS, 1e5)
    return recording(memory, **({"blocks": some, "gcobj": some, "uord": some, "hblkhd": some, "ford": some} | counters))


FLIPS = 1e6 * (np.random.default_rng(2).random(SLOTS) < 0.4)


def test_resident_memory_that_wavers_is_clean_when_nothing_more_is_in_use() -> None:
    assert judge(FLAT + FLIPS).outcome is LeakOutcome.UNKNOWN
    verdict = judge_trace(counted(FLAT + FLIPS))
    assert verdict.outcome is LeakOutcome.CLEAN
    assert verdict.message.startswith("what is in use grows by at most")


def test_bytes_in_use_that_grow_are_a_leak_whatever_resident_memory_does() -> None:
    trace = counted(FLAT + FLIPS, live=1e7 + 64 * REQUESTS, blocks=1e5 + REQUESTS)
    verdict = judge_trace(trace)
    assert verdict.outcome is LeakOutcome.LEAK
    assert verdict.message.startswith("what is in use grows by 64.0 B a request or more, above the budget of 32 B")
    assert verdict.numbers()["in_use_growth_bytes_per_request"] == pytest.approx(64, abs=0.1)


def test_bytes_in_use_are_compared_where_both_recordings_have_them() -> None:
    leak = counted(FLAT + FLIPS, live=1e7 + 64 * REQUESTS)
    verdict = judge_trace(leak, counted(FLAT + FLIPS[::-1], live=FLAT))
    assert verdict.outcome is LeakOutcome.LEAK
    assert verdict.difference is not None
    assert verdict.difference.low == pytest.approx(64, abs=0.1)


@pytest.mark.parametrize(("column", "kind"), [("threads", Kind.THREADS), ("fds", Kind.DESCRIPTORS)])
def test_a_leak_with_threads_or_descriptors_is_named_by_them(column: str, kind: Kind) -> None:
    verdict = judge_trace(counted(FLAT + NOISE + 100 * REQUESTS, **{column: np.arange(24.0)}))
    assert (verdict.outcome, verdict.kind) == (LeakOutcome.LEAK, kind)


def test_a_recording_without_requests_is_unknown() -> None:
    zero = np.zeros(100)
    trace = Trace(name="x", t=np.arange(100.0), requests=zero, columns={"rss": zero}, quiet=False)
    assert judge_trace(trace).outcome is LeakOutcome.UNKNOWN


def test_bytes_in_use_that_grow_are_never_passed() -> None:
    trace = counted(FLAT + NOISE, uord=1e5 + 100 * np.minimum(REQUESTS, REQUESTS[18]))
    verdict = judge_trace(trace)
    assert verdict.outcome is LeakOutcome.UNKNOWN
    assert "into memory that was free" in verdict.message


def test_what_the_allocator_keeps_is_retained_and_not_leaked() -> None:
    verdict = judge_trace(counted(FLAT + NOISE + 100 * REQUESTS, ford=1e5 + 100 * REQUESTS))
    assert (verdict.outcome, verdict.kind) == (LeakOutcome.CLEAN, Kind.RETAINED)
    assert verdict.retained == pytest.approx(100, abs=2)


def test_more_growth_than_the_baseline_s_is_a_leak() -> None:
    verdict = judge(FLAT + NOISE + 100 * REQUESTS, FLAT - NOISE + 20 * REQUESTS)
    assert verdict.outcome is LeakOutcome.LEAK
    assert verdict.difference is not None
    assert verdict.difference.low <= 80 <= verdict.difference.high
    assert "more than the baseline" in verdict.message


def test_a_baseline_that_grows_as_much_makes_it_unknown() -> None:
    verdict = judge(FLAT + NOISE + 100 * REQUESTS, FLAT - NOISE + 100 * REQUESTS)
    assert verdict.outcome is LeakOutcome.UNKNOWN
    assert "no more than the baseline for certain" in verdict.message


def test_a_difference_that_ends_is_no_leak() -> None:
    baseline = FLAT - NOISE + 100 * REQUESTS
    assert judge(baseline + 200 * np.minimum(REQUESTS, REQUESTS[13]), baseline).outcome is LeakOutcome.UNKNOWN


def test_a_baseline_that_took_other_requests_is_refused() -> None:
    other = Trace(name="b", t=T, requests=REQUESTS * 5, columns={"anon": FLAT}, quiet=True)
    verdict = judge_trace(recording(FLAT + 100 * REQUESTS), other)
    assert verdict.outcome is LeakOutcome.UNKNOWN
    assert "the baseline cannot be compared: the candidate served requests 40000 to 104400" in verdict.message


def test_a_baseline_without_quiet_points_is_refused() -> None:
    other = Trace(name="b", t=T, requests=REQUESTS, columns={"anon": FLAT}, quiet=False)
    assert "the candidate has quiet points and the baseline has none" in judge_trace(recording(FLAT), other).message


def test_a_verdict_is_the_answer_of_a_check() -> None:
    answer = judge(FLAT + NOISE + 100 * REQUESTS).as_verdict("gateway")
    assert (answer.check, answer.subject, answer.outcome) == ("memory_does_not_leak", "gateway", Outcome.FAIL)
    assert answer.numbers["budget_bytes_per_request"] == 32


def test_the_numbers_of_a_verdict_are_json_even_when_nothing_is_known() -> None:
    trace = Trace(name="x", t=np.arange(3.0), requests=np.arange(3.0), columns={"rss": np.ones(3)}, quiet=True)
    numbers = json.loads(json.dumps(judge_trace(trace).numbers(), allow_nan=False))
    assert numbers["growth_low_bytes_per_request"] is None


def test_level_and_peak_are_named() -> None:
    trace = recording(FLAT, rss=FLAT + 5, rss_before=FLAT + 7)
    verdict = judge_trace(trace)
    assert (verdict.level_bytes, verdict.peak_bytes) == (2e7 + 5, 2e7 + 7)
