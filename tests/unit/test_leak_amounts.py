"""Whether a leak grew by what it declares, just within a factor of two and just beyond, whatever its resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from histories import MIB, Record, plan

from leakdrill.judging.checks.growth import LEAK_GROWS, leak_grows_as_declared, leaks_show
from leakdrill.record.events import CgroupResources, LeakSwitchOff, LeakSwitchOn, Notice, ProcessTree, RunPhase

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

    Level = Callable[[float], float]

KIB = 1024


def record(
    level: Level | None, *, field: str = "anon_bytes", until: float = 50.0, on: bool = True, baseline: bool = True
) -> Record:
    """A hundred requests a second; a baseline from 5 to 15 s; a leak that is on from 20 to 60 s."""
    made = Record().act(RunPhase("recover"), 62, 80).sample(85, Notice("the last line"))
    if baseline:
        made.act(RunPhase("baseline"), 5, 15)
    if on:
        made.act(LeakSwitchOn(leak="cache"), 20, 20.1).act(LeakSwitchOff(leak="cache"), 60, 60.1)
    kind = CgroupResources if field == "anon_bytes" else ProcessTree
    for t in np.arange(2, until + 0.1, 0.5).tolist() if level is not None else ():
        made.sample(t, kind(**{field: level(t), "requests": t * 100}))
    return made


def per_request(number: float, start: float = 60.0 * MIB, before: float = 0.0) -> Level:
    """So much more with each request while the leak is on, and `before` with each until then."""
    return lambda t: start + before * 100 * min(t, 20) + number * 100 * max(0.0, t - 20)


def scenario(*leaks: dict[str, Any], **changes: Any) -> Scenario:
    return plan(leaks=list(leaks) or [{"name": "cache", "per_request": "64KiB"}], **changes)


def judged(made: Record, *leaks: dict[str, Any], **changes: Any) -> Verdict:
    asked = scenario(*leaks, **changes)
    return leak_grows_as_declared(made.history(), leak=asked.leaks[0], scenario=asked)


@pytest.mark.parametrize(
    ("kib", "outcome", "end"),
    [
        (64, "PASS", "declared: 64 KiB"),
        (32.1, "PASS", "declared: 64 KiB"),
        (31.9, "FAIL", "declared: 64 KiB; it leaks, but by less than half of what is declared"),
        (127.9, "PASS", "declared: 64 KiB"),
        (128.1, "FAIL", "declared: 64 KiB"),
        (0, "UNKNOWN", "; this drill proves nothing"),
    ],
)
def test_a_leak_grows_by_half_to_twice_of_what_it_declares(kib: float, outcome: str, end: str) -> None:
    verdict = judged(record(per_request(kib * KIB)))
    assert (verdict.outcome, verdict.message.endswith(end)) == (outcome, True), verdict.message
    assert verdict.numbers["bytes_per_request"] == pytest.approx(kib * KIB, rel=1e-4, abs=1)
    assert verdict.numbers["declared_bytes_per_request"] == 64 * KIB
    assert (verdict.numbers["requests"], verdict.numbers["window_s"]) == (3000, 40)
    assert verdict.hint == {
        ("PASS", 64): "", ("FAIL", 31.9): "correct `per_request`, or leave it out to have it measured; does every "
        "request reach the leak?", ("FAIL", 128.1): "correct `per_request`, or look for a second leak",
        ("UNKNOWN", 0): "is cache really switched on, and do the requests of the locustfile reach it?",
    }.get((outcome, kib), "")  # fmt: skip


def test_a_leak_that_may_lie_on_either_side_of_a_bound_cannot_be_told() -> None:
    def noisy(kib: float) -> Verdict:
        noise = np.random.default_rng(7).normal(0, 12 * MIB, 200)
        grown = per_request(kib * KIB)
        return judged(record(lambda t: grown(t) + float(noise[int(t * 2)])), {"name": "cache", "per_request": "64KiB"})

    for kib in (32, 128):
        verdict = noisy(kib)
        assert verdict.outcome == "UNKNOWN"
        assert verdict.message.endswith("declared: 64 KiB: too uncertain to say that it is within a factor of two")
        assert verdict.hint == "let `phases.load` last longer, or raise `load.rate`"


def test_the_leaks_of_one_resource_are_judged_by_their_sum() -> None:
    leaks: list[dict[str, Any]] = [
        {"name": "cache", "per_request": "20KiB"}, {"name": "log", "per_request": "44KiB"},
        {"name": "files", "resource": "descriptors", "per_request": 1},
    ]  # fmt: skip
    verdict = judged(record(per_request(64 * KIB)), *leaks)
    assert (verdict.outcome, verdict.numbers["declared_bytes_per_request"]) == ("PASS", 64 * KIB)
    measured = judged(record(per_request(500 * KIB)), {"name": "cache", "per_request": "20KiB"}, {"name": "log"})
    assert (verdict.outcome, measured.outcome) == ("PASS", "PASS")
    assert measured.message.endswith("declared: none, so it is measured")
    assert "declared_bytes_per_request" not in measured.numbers
    other = judged(record(per_request(500 * KIB)), {"name": "cache", "per_request": "20KiB"},
                   {"name": "files", "resource": "descriptors"})  # fmt: skip
    assert other.outcome == "FAIL"


def test_what_is_measured_must_be_plain() -> None:
    plain = judged(record(per_request(2 * KIB)), {"name": "cache"})
    assert (plain.outcome, plain.hint) == ("PASS", "")
    flat = judged(record(per_request(0)), {"name": "cache"})
    assert flat.outcome == "UNKNOWN"
    assert flat.message.endswith(
        "declared: none, so it is measured: that is not surely more than a healthy service shows, so this drill proves "
        "nothing"
    )
    assert flat.hint == (
        "is cache really switched on, and do the requests of the locustfile reach it? Else let `phases.load` last "
        "longer, or raise `load.rate`"
    )
    likewise = record(per_request(2 * KIB, before=2 * KIB))
    assert judged(likewise, {"name": "cache"}).outcome == "UNKNOWN"
    assert judged(record(per_request(2.1 * KIB, before=2 * KIB)), {"name": "cache"}).outcome == "PASS"
    assert judged(record(per_request(2 * KIB), baseline=False), {"name": "cache"}).outcome == "UNKNOWN"
    wide = {"expect": {"memory": {"slope": "3KiB"}}}
    assert judged(record(per_request(2 * KIB)), {"name": "cache"}, **wide).outcome == "UNKNOWN"
    assert judged(record(per_request(4 * KIB)), {"name": "cache"}, **wide).outcome == "PASS"


def test_a_leak_that_was_never_on_proves_nothing() -> None:
    never = judged(record(per_request(0), on=False))
    assert (never.outcome, never.message) == (
        "UNKNOWN",
        "cache was never switched on: this drill proves nothing",
    )
    assert never.hint == "look at the target's log; `leaks[].switch` says how the leak is switched on"
    tried = record(per_request(0), on=False).act(LeakSwitchOn(leak="log"), 18, 19, "failed", error="other")
    tried.act(LeakSwitchOn(leak="cache"), 20, 21, "failed", error="refused")
    failed = judged(tried)
    assert failed.message == "cache was never switched on: refused: this drill proves nothing"
    assert [tried.history().events[index].t for index in failed.events] == [20]


@pytest.mark.parametrize(("until", "told"), [(24.5, True), (24.0, False)])
def test_ten_readings_tell_how_a_leak_grows(until: float, told: bool) -> None:
    verdict = judged(record(per_request(64 * KIB), until=until))
    assert (verdict.outcome == "PASS") == told
    if not told:
        assert verdict.message == (
            "whether cache leaked cannot be told: only 9 samples with a count of requests in 40 s"
        )
        assert verdict.hint == "let `phases.load` last longer, or raise `load.rate`"


def test_a_leak_of_cpu_is_what_goes_beyond_the_baseline() -> None:
    cpu = {"name": "cache", "resource": "cpu", "per_request": "5ms"}

    def seconds(before: float, leaking: float) -> Level:
        return lambda t: before * 100 * min(t, 20) + leaking * 100 * max(0.0, t - 20)

    verdict = judged(record(seconds(0.002, 0.007), field="cpu_seconds"), cpu)
    assert verdict.outcome == "PASS"
    assert verdict.message == (
        "each request used 5 ms of CPU more than in the baseline (95 % interval 5 ms to 5 ms) over 3000 requests; "
        "declared: 5 ms"
    )
    assert verdict.numbers["seconds_per_request"] == pytest.approx(0.005, rel=1e-3)
    assert len(verdict.events) == 4
    assert judged(record(seconds(0.002, 0.0046), field="cpu_seconds"), cpu).outcome == "PASS"
    assert judged(record(seconds(0.002, 0.0125), field="cpu_seconds"), cpu).outcome == "FAIL"
    none = judged(record(seconds(0.002, 0.007), field="cpu_seconds", baseline=False), cpu)
    assert none.message == "whether cache leaked cannot be told: there is no baseline"
    few = judged(record(seconds(0.002, 0.007), field="cpu_seconds").drop("process", after=5, until=12), cpu)
    assert few.message.startswith("whether cache leaked cannot be told: in the baseline only 6 samples")
    late = judged(record(seconds(0.002, 0.007), field="cpu_seconds", until=21), cpu)
    assert late.message.startswith("whether cache leaked cannot be told: only 3 samples")
    measured = {"name": "cache", "resource": "cpu"}
    assert judged(record(seconds(0.002, 0.007), field="cpu_seconds"), measured).outcome == "PASS"
    assert judged(record(seconds(0.002, 0.0021), field="cpu_seconds"), measured).outcome == "UNKNOWN"


def peak(height: float, base: float = 100.0, spike: float = 0.0) -> Level:
    """100 MiB, and while the leak is on so many more; a spike for one reading of fifty."""
    return lambda t: (base + (height if 20 <= t < 60 else 0) + (spike if t == 30 else 0)) * MIB


@pytest.mark.parametrize(
    ("height", "outcome"), [(40, "PASS"), (20, "PASS"), (19.9, "UNKNOWN"), (80, "PASS"), (80.1, "FAIL")]
)
def test_a_peak_stands_half_to_twice_as_high_as_declared(height: float, outcome: str) -> None:
    verdict = judged(record(peak(height, spike=300)), {"name": "cache", "peak": "40MiB"})
    assert verdict.outcome == outcome
    assert verdict.numbers["declared_peak_bytes"] == pytest.approx(40 * MIB, rel=1e-5)
    assert verdict.numbers["baseline_bytes"] == pytest.approx(100 * MIB, rel=1e-5)
    assert verdict.numbers["window_s"] == 40
    if outcome == "FAIL":
        assert verdict.hint == "correct `peak`, or look for a second leak"


def test_a_peak_is_told_against_its_baseline() -> None:
    made = record(peak(40))
    verdict = judged(made, {"name": "cache", "peak": "40MiB"})
    assert verdict.message == (
        "memory stood 40 MiB above its baseline of 100 MiB while cache was on (95th percentile); declared: 40 MiB"
    )
    assert [made.history().events[index].t for index in verdict.events] == [20, 50]
    few = judged(record(peak(40), until=24), {"name": "cache", "peak": "40MiB"})
    assert few.message == ("whether cache leaked cannot be told: only 21 samples in the baseline and 9 while it was on")
    assert few.hint == "let `phases.load` last longer, or raise `load.rate`"
    assert judged(record(peak(40), until=24.5), {"name": "cache", "peak": "40MiB"}).outcome == "PASS"
    none = judged(record(peak(40), baseline=False), {"name": "cache", "peak": "40MiB"})
    assert none.message.startswith("whether cache leaked cannot be told: only 0 samples in the baseline and 61 ")


def test_what_other_leaks_keep_and_hold_stands_above_the_baseline_too() -> None:
    kept: dict[str, Any] = {"name": "log", "per_request": "64KiB"}
    verdict = judged(record(peak(40)), {"name": "cache", "peak": "40MiB"}, kept)
    assert verdict.numbers["declared_peak_bytes"] == pytest.approx(40 * MIB + 64 * KIB * 3000, rel=1e-5)
    second = judged(record(peak(40)), {"name": "cache", "peak": "40MiB"}, {"name": "log", "peak": "10MiB"})
    assert second.numbers["declared_peak_bytes"] == pytest.approx(50 * MIB, rel=1e-5)
    other = judged(record(peak(40)), {"name": "cache", "peak": "40MiB"},
                   {"name": "files", "resource": "threads", "peak": 10})  # fmt: skip
    assert other.numbers["declared_peak_bytes"] == pytest.approx(40 * MIB, rel=1e-5)
    high = judged(record(peak(200)), {"name": "cache", "peak": "40MiB"}, {"name": "log"})
    assert high.outcome == "PASS"
    uncounted = record(peak(40)).change("cgroup", "resources", lambda e: {"anon_bytes": dict(e.value)["anon_bytes"]})
    alone = judged(uncounted, {"name": "cache", "peak": "40MiB"}, kept)
    assert alone.numbers["declared_peak_bytes"] == pytest.approx(40 * MIB, rel=1e-5)


def test_a_drill_shows_its_leaks_when_each_grew_plainly_or_was_told() -> None:
    def show(made: Record, *leaks: dict[str, Any]) -> bool:
        return leaks_show(made.history(), scenario(*leaks))

    declared: dict[str, Any] = {"name": "cache", "per_request": "64KiB"}
    assert show(record(per_request(64 * KIB)), declared)
    assert show(record(per_request(10 * KIB)), declared)
    assert not show(record(per_request(0)), declared)
    assert not show(record(per_request(64 * KIB)), declared, {"name": "never", "per_request": "1KiB"})
    assert not show(record(per_request(64 * KIB), on=False), declared)
    assert not show(record(per_request(64 * KIB), until=22), declared)
    assert not show(record(peak(5)), {"name": "cache", "peak": "40MiB"})
    assert show(record(per_request(0)), *()) is False
    noise = np.random.default_rng(7).normal(0, 12 * MIB, 200)
    grown = per_request(128 * KIB)
    assert show(record(lambda t: grown(t) + float(noise[int(t * 2)])), declared) is True
    assert leaks_show(record(None).history(), plan(leaks=[]))


def test_each_leak_has_its_own_claim() -> None:
    leaks: list[dict[str, Any]] = [{"name": "cache", "per_request": "64KiB"}, {"name": "log", "per_request": "1KiB"}]
    cases = list(LEAK_GROWS.cases(record(per_request(64 * KIB)).history(), scenario(*leaks)))
    assert [case.claim.subject for case in cases] == ["cache", "log"]
    assert [str(case.judge().outcome) for case in cases] == ["PASS", "UNKNOWN"]
