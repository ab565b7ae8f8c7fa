"""Whether a load was spread over replicas, at the bounds: shares, times, and counts that begin anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from histories import Record, plan

from leakdrill.judging.checks.spread import SPREAD, load_is_spread
from leakdrill.record.events import Notice, ReplicaRequestCounts, RunPhase, StepAct, TargetReady

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

    Counts = Callable[[float], dict[str, float]]

COMPOSE = {"file": "compose.yaml", "service": "gateway", "entrance": "nginx"}


def scenario(*replicas: int, at_first: int = 1) -> Scenario:
    steps = [{"name": f"scale to {n}", "scale": {"replicas": n}, "seen": {"nothing": True}} for n in replicas]
    target = {"name": "gateway", "compose": COMPOSE | {"replicas": at_first}, "metrics": "/metrics"}
    return plan(target=target, steps=steps)


def record(counts: Counts, *, until: float = 80.0, every: float = 1.0) -> Record:
    """A target that is ready at 1.5 s, a step that scales from 50 to 52 s, and a watch that ends at `until`."""
    made = Record().act(RunPhase("recover"), 55, until).sample(1.5, TargetReady(process=1.0)).sample(90, Notice("last"))
    made.act(StepAct("scale to 2", action="scale"), 50, 52)
    for number in range(int(89 / every)):
        t = 1 + number * every
        made.sample(t, ReplicaRequestCounts.of(counts(t)))
    return made


def judged(made: Record, replicas: int = 2, asked: Scenario | None = None) -> Verdict:
    return load_is_spread(made.history(), scenario=asked or scenario(2), replicas=replicas)


def shares(first: float, second: float) -> Counts:
    """What two replicas answer in a second, and what the load counts."""
    return lambda t: {"b": second * t, "a": first * t, "requests": 999.0 * t}


@pytest.mark.parametrize(("second", "outcome"), [(15, "PASS"), (5, "PASS"), (4.9, "FAIL"), (0, "FAIL")])
def test_the_least_replica_answers_half_of_an_even_share(second: float, outcome: str) -> None:
    assert judged(record(shares(15, second))).outcome == outcome


def test_what_each_answered_is_counted_from_three_seconds_after_the_step_to_the_end_of_the_watch() -> None:
    made = record(shares(10, 10))
    verdict = judged(made)
    assert verdict.message == "a: 250, b: 250; an even share is 250"
    assert verdict.numbers == {"requests_b": 250, "requests_a": 250}
    assert [made.history().events[index].t for index in verdict.events] == [55, 80]
    failed = judged(record(shares(30, 2)))
    assert failed.message == "the load was not spread over 2 replicas: a: 750, b: 50; an even share is 400"
    assert failed.hint == "does the proxy in front resolve its upstream again, and does it let go of old connections?"
    assert failed.numbers == {"requests_b": 50, "requests_a": 750}


def test_a_replica_that_never_counted_answered_nothing() -> None:
    verdict = judged(record(lambda t: {"a": 30.0 * t}))
    assert (verdict.outcome, verdict.message) == (
        "FAIL",
        "the load was not spread over 2 replicas: a: 750; an even share is 375",
    )
    three = record(lambda t: {"a": 30.0 * t, "b": 30.0 * t})
    assert judged(three, 3, scenario(3)).outcome == "UNKNOWN"
    assert judged(three, 2).outcome == "PASS"


def test_twenty_requests_for_each_replica_are_enough() -> None:
    assert judged(record(shares(0.8, 0.8))).outcome == "PASS"
    few = judged(record(shares(0.79, 0.79)))
    assert (few.outcome, few.message) == ("UNKNOWN", "too few requests to tell (a: 20, b: 20)")
    assert (few.hint, len(few.events)) == ("let the load last longer", 2)
    assert few.numbers == {"requests_b": pytest.approx(19.75), "requests_a": pytest.approx(19.75)}


def test_two_readings_are_needed() -> None:
    for until, told in ((59.0, True), (58.0, False)):
        made = record(shares(30, 30)).drop("replica", after=until + 0.5)
        made.drop("replica", after=50, until=57.5)
        verdict = judged(made)
        assert (verdict.outcome == "PASS") == told
    assert verdict.message == "the replicas' own counts of requests were not read"
    assert verdict.hint == "expected target.metrics with http_requests_total"
    empty = record(shares(30, 30)).change("replica", "requests", lambda e: None if e.t != 60 else e.value)
    assert judged(empty).message == verdict.message


def test_a_count_that_falls_begins_anew_and_a_new_one_counts_from_its_first_reading() -> None:
    anew = judged(record(lambda t: {"a": 10.0 * t, "b": 10.0 * (t if t < 70 else t - 69)}))
    assert anew.message == "a: 250, b: 250; an even share is 250"
    still = judged(record(lambda t: {"a": 10.0 * t, "b": 10.0 * min(t, 70.0)}))
    assert still.numbers == {"requests_a": 250, "requests_b": 150}
    late = judged(record(lambda t: {"a": 10.0 * t} | ({"b": 10.0 * t} if t >= 60 else {})))
    assert late.numbers == {"requests_a": 250, "requests_b": 200}


@pytest.mark.parametrize(("until", "outcome"), [(57.0, "PASS"), (56.9, "UNKNOWN")])
def test_less_than_two_seconds_tell_nothing(until: float, outcome: str) -> None:
    verdict = judged(record(shares(99, 99), until=until, every=0.5))
    assert verdict.outcome == outcome
    if outcome == "UNKNOWN":
        assert verdict.message == "nothing longer than 1.9 s was watched once 2 replicas had settled"
        assert verdict.hint == "let `seen.within` of that step, or `phases.recover`, last longer"
    over = judged(record(shares(99, 99), until=54.0))
    assert over.message == "nothing longer than 0 s was watched once 2 replicas had settled"


def test_the_window_begins_with_the_step_that_asks_for_so_many_and_ends_with_the_next() -> None:
    made = record(shares(10, 10)).act(StepAct("scale to 3", action="scale"), 60, 61)
    verdict = judged(made, 2, scenario(2, 3))
    assert verdict.numbers == {"requests_b": 50, "requests_a": 50}
    third = judged(made, 3, scenario(2, 3))
    assert third.numbers == {"requests_b": 160, "requests_a": 160}
    same = record(shares(10, 10)).act(StepAct("other", action="gc"), 52, 53)
    assert judged(same).numbers["requests_a"] == 250


def test_replicas_from_the_start_on_count_from_when_the_target_was_ready() -> None:
    made = record(shares(10, 10)).sample(40, TargetReady(process=2.0))
    verdict = judged(made, 2, scenario(at_first=2))
    assert verdict.numbers == {"requests_b": 450, "requests_a": 450}
    unready = record(shares(10, 10)).drop("target")
    assert judged(unready, 2, scenario(at_first=2)).message == "the replicas' own counts of requests were not read"
    never = record(shares(10, 10)).drop("step")
    assert judged(never).message == "the replicas' own counts of requests were not read"


@pytest.mark.parametrize(
    ("asked", "subjects"),
    [
        (scenario(3, 2), ["2 replicas", "3 replicas"]),
        (scenario(3, at_first=2), ["2 replicas", "3 replicas"]),
        (scenario(1), []),
        (scenario(at_first=2), ["2 replicas"]),
        (plan(), []),
        (plan(steps=[{"name": "scale", "scale": {"replicas": 4}}]), ["4 replicas"]),
    ],
)
def test_each_number_of_replicas_that_shares_the_load_has_its_claim(asked: Scenario, subjects: list[str]) -> None:
    cases: list[Any] = list(SPREAD.cases(record(shares(10, 10)).history(), asked))
    assert [case.claim.subject for case in cases] == subjects
    assert [case.judge().subject for case in cases] == subjects
