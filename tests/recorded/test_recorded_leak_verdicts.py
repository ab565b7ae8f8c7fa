"""The word that every recording of a real leak, or of a service that only looks like one, must get."""

from __future__ import annotations

from pathlib import Path

import pytest

from leakdrill.judging.leak.growth_kind import Kind
from leakdrill.judging.leak.leak_verdict import LeakOutcome, LeakVerdict, judge_trace
from leakdrill.judging.leak.trace import read_trace

FOLDER = Path(__file__).parent / "memory_traces"

WORDS = {
    "paced/healthy-bigtrans-p1": LeakOutcome.CLEAN,
    "paced/healthy-flask-p1": LeakOutcome.UNKNOWN,
    "paced/healthy-flask-p2": LeakOutcome.UNKNOWN,
    "paced/healthy-gcsaw-p1": LeakOutcome.CLEAN,
    "paced/healthy-gcsaw-p2": LeakOutcome.CLEAN,
    "paced/healthy-lru_fast-p1": LeakOutcome.CLEAN,
    "paced/healthy-lru_fast-p2": LeakOutcome.CLEAN,
    "paced/healthy-session-p1": LeakOutcome.CLEAN,
    "paced/hiredis-3.1.0-p1": LeakOutcome.LEAK,
    "paced/multidict-6.3.0-p1": LeakOutcome.LEAK,
    "paced/ujson-5.11.0-p1": LeakOutcome.LEAK,
    "continuous/aiohttp-3.10.10": LeakOutcome.LEAK,
    "continuous/aiohttp-3.10.11": LeakOutcome.CLEAN,
    "continuous/healthy-bigtrans": LeakOutcome.UNKNOWN,
    "continuous/healthy-session": LeakOutcome.UNKNOWN,
    "continuous/hiredis-3.1.0": LeakOutcome.LEAK,
    "continuous/ujson-5.12.0-bigint": LeakOutcome.CLEAN,
    "rounds/healthy-session": LeakOutcome.UNKNOWN,
    "rounds/hiredis-3.1.0": LeakOutcome.UNKNOWN,
    "rounds/hiredis-3.2.0": LeakOutcome.CLEAN,
    "malloc/aiohttp-3.10.10": LeakOutcome.LEAK,
    "malloc/aiohttp-3.10.11": LeakOutcome.CLEAN,
    "equal/session-1": LeakOutcome.UNKNOWN,
    "equal/session-2": LeakOutcome.UNKNOWN,
}


def judge(candidate: str, baseline: str | None = None, **settings: float) -> LeakVerdict:
    def read(name: str) -> Path:
        return FOLDER / f"{name}.csv"

    return judge_trace(read_trace(read(candidate)), read_trace(read(baseline)) if baseline else None, **settings)


@pytest.mark.parametrize(("name", "word"), WORDS.items())
def test_a_recording_gets_its_word(name: str, word: LeakOutcome) -> None:
    verdict = judge(name)
    assert verdict.outcome is word, verdict.message


def test_every_recording_has_a_word() -> None:
    assert {str(file.relative_to(FOLDER).with_suffix("")) for file in FOLDER.rglob("*.csv")} == WORDS.keys()


@pytest.mark.parametrize(
    ("name", "bytes_per_request"),
    [("hiredis-3.1.0-p1", 353.4), ("multidict-6.3.0-p1", 193.2), ("ujson-5.11.0-p1", 48.2)],
)
def test_the_interval_holds_the_size_of_a_leak(name: str, bytes_per_request: float) -> None:
    growth = judge(f"paced/{name}").growth
    assert growth.low <= bytes_per_request <= growth.high
    assert growth.high - growth.low < 0.05 * bytes_per_request


@pytest.mark.parametrize("run", [1, 2])
def test_growth_within_the_budget_is_named_with_its_size(run: int) -> None:
    verdict = judge(f"paced/healthy-lru_fast-p{run}")
    assert verdict.growth.low > 0
    assert verdict.message.startswith("memory grows by 18.")
    assert "0.03 more blocks a request" in verdict.message


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("hiredis-3.1.0-p1", "6 more blocks"),
        ("multidict-6.3.0-p1", "2 more blocks"),
        ("ujson-5.11.0-p1", "1 more block"),
    ],
)
def test_a_leak_of_objects_is_told_by_its_blocks(name: str, blocks: str) -> None:
    verdict = judge(f"paced/{name}")
    assert verdict.kind is Kind.LIVE_OBJECTS
    assert f"{blocks} a request" in verdict.message


def test_tables_that_double_are_steps_and_not_growth() -> None:
    verdict = judge("paced/healthy-flask-p1")
    assert verdict.kind is Kind.STEPS
    assert "without another such step would make it CLEAN" in verdict.hint


def test_memory_that_follows_a_rising_load_is_no_leak() -> None:
    assert judge("continuous/healthy-session").kind in (Kind.FILLING, Kind.FOLLOWS_RATE)


def test_a_recording_shorter_than_a_time_to_live_proves_nothing() -> None:
    """Entries that live for 6 s, and a real leak, both grow evenly for all of the 4 s recorded."""
    for name in ("rounds/healthy-session", "rounds/hiredis-3.1.0"):
        assert "entries that live for 10 s look the same" in judge(name).message


def test_who_knows_that_nothing_lives_for_a_while_can_say_so() -> None:
    assert judge("rounds/hiredis-3.1.0", longest_ttl_s=0.5).outcome is LeakOutcome.LEAK


def test_a_baseline_settles_what_a_short_recording_cannot() -> None:
    verdict = judge("rounds/hiredis-3.1.0", "rounds/hiredis-3.2.0")
    assert verdict.outcome is LeakOutcome.LEAK
    assert verdict.difference is not None
    assert verdict.difference.low > 350


def test_the_fix_against_the_leak_is_clean_and_less() -> None:
    verdict = judge("rounds/hiredis-3.2.0", "rounds/hiredis-3.1.0")
    assert verdict.outcome is LeakOutcome.CLEAN
    assert "less than the baseline" in verdict.message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("equal/session-1", "equal/session-2"),
        *((f"paced/healthy-{s}-p1", f"paced/healthy-{s}-p2") for s in ("flask", "gcsaw", "lru_fast")),
    ],
)
def test_equal_builds_do_not_differ(one: str, other: str) -> None:
    for candidate, baseline in ((one, other), (other, one)):
        verdict = judge(candidate, baseline)
        assert verdict.outcome is not LeakOutcome.LEAK
        assert verdict.difference is not None
        assert verdict.differs == 0


def test_what_the_allocator_keeps_is_not_leaked() -> None:
    """Resident memory grows by 45 B a request, but what is in use by 1.6 B at most."""
    verdict = judge("malloc/aiohttp-3.10.11")
    assert verdict.outcome is LeakOutcome.CLEAN
    assert "what is in use grows by at most 1." in verdict.message


def test_what_the_allocator_keeps_is_said_beside_a_leak() -> None:
    verdict = judge("malloc/aiohttp-3.10.10")
    assert verdict.retained > 100
    assert "retained by the allocator, not leaked" in verdict.message


def test_a_larger_budget_passes_a_leak_with_its_size() -> None:
    verdict = judge("paced/ujson-5.11.0-p1", budget_bytes_per_request=64)
    assert verdict.outcome is LeakOutcome.CLEAN
    assert "memory grows by 48.2 B" in verdict.message
