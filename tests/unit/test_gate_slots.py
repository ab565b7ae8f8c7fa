"""Slots of a gate run that cannot be judged: missing, untrue, shifted, of another process. Literal histories."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from test_gate_run import SCENARIO, run

from leakdrill.judging.evidence.service_count import disagreement, service_count
from leakdrill.judging.leak.gate import judge_gate
from leakdrill.record.history import Event, History
from leakdrill.scenario.load import Load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MEMORY = ("rss_before_bytes", "rss_after_bytes", "pss_bytes", "uss_bytes", "anon_bytes")
AGENTS = ("blocks", "gc_objects", "uordblks_bytes", "hblkhd_bytes", "fordblks_bytes")


def memory_of(events: Iterable[Event]) -> tuple[str, str]:
    (verdict,) = [v for v in judge_gate(History(list(events)), SCENARIO) if v.check == "memory_does_not_leak"]
    return str(verdict.outcome), verdict.message


def spoilt(change: Callable[[int, Event], Event | None], name: str = "slot") -> list[Event]:
    """A healthy run with its slots changed, or dropped where the change is None; they count from 0."""
    number, events = 0, list[Event]()
    for event in run():
        if (event.source, event.name) == ("gate", name):
            changed, number = change(number, event), number + 1
            events += [changed] if changed else []
        else:
            events.append(event)
    return events


def values(chosen: Callable[[int], bool], **changes: Any) -> list[Event]:
    """Some slots with other numbers; None takes a number away."""

    def change(number: int, event: Event) -> Event:
        if not chosen(number) or not isinstance(event.value, dict):
            return event
        return replace(event, value={k: v for k, v in {**event.value, **changes}.items() if v is not None})

    return spoilt(change)


def labels(chosen: Callable[[int], bool], **changes: str) -> list[Event]:
    return spoilt(lambda n, e: replace(e, labels={**e.labels, **changes}) if chosen(n) else e)


def late(number: int) -> bool:
    return number >= 12


def one(number: int) -> bool:
    return number == 7


def test_slots_as_they_should_be_are_judged() -> None:
    assert memory_of(run())[0] == "PASS"


@pytest.mark.parametrize("name", [*MEMORY, "threads", "fds", "cpu_seconds", "rest_s", "round"])
def test_a_number_that_one_slot_lacks_is_not_replaced_by_another(name: str) -> None:
    assert memory_of(values(one, **{name: None})) == ("UNKNOWN", f"the record of a slot lacks {name}")


@pytest.mark.parametrize("name", MEMORY)
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), "9 MB"])
def test_memory_that_cannot_be_is_unknown(name: str, value: Any) -> None:
    assert memory_of(values(one, **{name: value}))[0] == "UNKNOWN"


@pytest.mark.parametrize(
    ("events", "words"),
    [
        (labels(late, members="4999@1700000099.00"), "were replaced between slots 11 and 12"),
        (labels(late, members=""), "lacks its processes"),
        (labels(late, build="other"), "slots are missing"),
        (values(late, processes=2.0), "number of processes changed"),
        (spoilt(lambda n, e: None if n == 7 else e), "missing or doubled"),
        (
            spoilt(lambda n, e: replace(e, value=None, labels={**e.labels, "error": "down"}) if n == 7 else e),
            "not read",
        ),
        (values(one, round=6.0), "missing or doubled"),
        (values(one, requests=1.0), "falls between"),
        (values(one, load_s=500.0), "the clock jumped"),
        (spoilt(lambda n, e: replace(e, t=e.t + 3600) if late(n) else e), "the clock jumped"),
        (values(lambda _n: True, cpu_seconds=3.0), "used no CPU time"),
        (values(late, **dict.fromkeys(AGENTS)), "the agent was silent in 12 of 24"),
        (spoilt(lambda _n, _e: None, "end"), "lived through the last slot"),
        (spoilt(lambda _n, e: replace(e, labels={**e.labels, "members": ""}), "end"), "gone after the last slot"),
        (spoilt(lambda _n, e: replace(e, labels={**e.labels, "members": "1@2"}), "end"), "after the last slot"),
    ],
)
def test_slots_that_cannot_be_judged_are_unknown_and_say_so(events: list[Event], words: str) -> None:
    outcome, message = memory_of(events)
    assert outcome == "UNKNOWN", message
    assert words in message or "cut short" in message, message


def test_a_few_slots_in_which_the_agent_was_busy_are_left_out() -> None:
    assert memory_of(values(lambda n: n in (3, 9), **dict.fromkeys(AGENTS)))[0] == "PASS"


def test_requests_that_stop_in_the_middle_are_unknown() -> None:
    def stopped(number: int, event: Event) -> Event:
        return replace(event, value={**event.value, "requests": 32_000.0}) if late(number) else event  # type: ignore[dict-item]

    outcome, message = memory_of(spoilt(stopped))
    assert (outcome, "slots on end had no request" in message) == ("UNKNOWN", True)


def test_a_corpus_that_was_never_sent_is_unknown() -> None:
    both = SCENARIO.model_copy(update={"gate": SCENARIO.gate.model_copy(update={"corpus": "both"})})
    verdicts = {(v.check, v.subject): str(v.outcome) for v in judge_gate(run(), both)}
    assert verdicts["memory_does_not_leak", "corpus closed"] == "UNKNOWN"
    assert verdicts["growth_is_explained", ""] == "UNKNOWN"


def test_a_baseline_whose_slots_are_missing_is_not_left_out() -> None:
    alone = [*run(), *(event for event in run(build="baseline") if event.name != "slot")]
    outcome, message = memory_of(alone)
    assert (outcome, "the baseline has 0 slots" in message) == ("UNKNOWN", True)
    assert memory_of([*run(), *run(build="baseline")])[0] == "PASS"


def test_time_that_is_up_must_be_up_after_the_slots_that_are_there() -> None:
    events = run(slots=13, extra=[(("gate", "time_is_up", 27.0), {"corpus": "open"})])
    assert memory_of(events)[0] == "UNKNOWN"


LOAD = Load.model_validate({"locustfile": "l.py"})


@pytest.mark.parametrize(
    ("counted", "completed", "agrees"),
    [(1000, 1000, True), (1200, 1000, True), (960, 1000, True), (0, 40, True), (300, 1000, False), (9000, 1000, False)]
)  # fmt: skip
def test_the_service_and_the_load_must_agree(counted: float, completed: float, *, agrees: bool) -> None:
    assert (disagreement(counted, completed, 10.0, LOAD) == "") is agrees
    allowed = LOAD.model_copy(update={"allow": ["uncounted requests"]})
    assert disagreement(counted, completed, 10.0, allowed) == ""


def test_a_counter_that_fell_is_another_process_and_says_nothing() -> None:
    assert disagreement(-500.0, 1000.0, 10.0, LOAD) == ""


def test_the_requests_of_a_page_are_counted_and_the_load_may_ask_for_health() -> None:
    page = {
        'http_requests_total{path="/p",status="200"}': 7.0,
        'http_requests_total{path="/q",status="404"}': 2.0,
        'http_requests_total{path="/health",status="200"}': 90.0,
        "http_requests_totals": 5.0,
    }
    assert service_count(page) == 99.0
    assert service_count({"requests_total": 3.0}) == 3.0
    assert service_count({"cache_hits_total": 3.0}) is None
