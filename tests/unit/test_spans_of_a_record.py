"""The spans of a record that several checks look at, to the point: where each begins and where it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from histories import Record, plan

from leakdrill.judging.evidence.windows import (
    Span,
    alerts_watched_from_s,
    down_spans,
    gaps,
    last_step_end_s,
    leak_span,
    leaks_began_s,
    outside,
    reached_recover,
    step_runs,
    switched_off_s,
    unasked_exits,
    watched_until_s,
)
from leakdrill.record.events import (
    LeakSwitchOff,
    LeakSwitchOn,
    Notice,
    RunPhase,
    StepAct,
    TargetExited,
    TargetReady,
    TargetRestart,
    TargetStart,
    TargetStop,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.event_class import ActEvent

LEAKS = plan(leaks=[{"name": "cache", "per_request": "64KiB"}, {"name": "log", "per_request": "1KiB"}]).leaks


def record(until: float = 90.0, **phases: tuple[float, float]) -> Record:
    made = Record()
    for name, (start, end) in phases.items():
        made.act(RunPhase(name), start, end)
    return made.sample(until, Notice("the last line"))


def step(name: str = "clear the cache") -> StepAct:
    return StepAct(name, action="http")


def test_a_span_is_never_shorter_than_nothing_and_as_long_as_it_looks() -> None:
    assert Span(5, 3).length_s == 0.0
    assert Span(0.1, 0.3).length_s == 0.2
    assert Span(0, 0.5).length_s == 0.5


@pytest.mark.parametrize(
    ("other", "overlapping"),
    [((0, 2), False), ((0, 2.1), True), ((4, 6), False), ((3.9, 6), True), ((2.5, 3), True), ((0, 9), True)],
)
def test_spans_overlap_when_they_have_more_than_a_point_in_common(
    other: tuple[float, float], overlapping: bool
) -> None:
    assert Span(2, 4).overlaps(Span(*other)) == overlapping
    assert Span(*other).overlaps(Span(2, 4)) == overlapping


def test_what_was_watched_ends_with_recover_or_else_before_the_teardown_or_else_with_the_record() -> None:
    assert watched_until_s(record(recover=(56, 71), teardown=(72, 73)).history()) == 71
    assert watched_until_s(record(load=(15, 55), teardown=(58, 60)).history()) == 58
    assert watched_until_s(record(load=(15, 55)).history()) == 90
    assert reached_recover(record(recover=(56, 71)).history())
    assert not reached_recover(record(load=(15, 55)).history())


def test_a_step_that_never_ended_lasts_to_the_end_of_the_record_and_is_not_the_last_to_end() -> None:
    made = record().act(step(), 10, 12).act(step("two"), 20, 25).act(step("three"), 30, None).history()
    assert [(run.start_s, run.end_s, run.act.name) for run in step_runs(made)] == [
        (10, 12, "clear the cache"),
        (20, 25, "two"),
        (30, 90, "three"),
    ]
    assert step_runs(made)[0].span == Span(10, 12)
    assert last_step_end_s(made) == 25
    assert last_step_end_s(record().act(step(), 30, None).history()) is None


def test_the_step_that_ends_last_counts_and_not_the_one_that_began_last() -> None:
    assert last_step_end_s(record().act(step(), 10, 40).act(step("two"), 20, 25).history()) == 40


ENDS: dict[str, tuple[Callable[[Record], Record], float]] = {
    "nothing": (lambda r: r, 71),
    "the switch": (lambda r: r.act(LeakSwitchOff(leak="cache"), 40, 45), 40),
    "the switch of another leak": (lambda r: r.act(LeakSwitchOff(leak="log"), 40, 45), 71),
    "a step": (lambda r: r.act(step(), 30, 31).act(LeakSwitchOff(leak="cache"), 40, 45), 30),
    "a step in that moment": (lambda r: r.act(step(), 15, 16), 15),
    "a step before": (lambda r: r.act(step(), 14.9, 16), 71),
    "a restart": (lambda r: r.act(TargetRestart(), 33, 34).act(step(), 50, 51), 33),
    "a start": (lambda r: r.act(TargetStart(), 33, 34), 71),
    "an end that nobody asked for": (lambda r: r.sample(36, TargetExited(1.0, at=35)), 35),
    "an end before": (lambda r: r.sample(10, TargetExited(1.0)), 71),
}


@pytest.mark.parametrize("by", ENDS)
def test_a_leak_is_seen_until_something_else_may_move_its_resource(by: str) -> None:
    change, end_s = ENDS[by]
    made = change(record(recover=(56, 71)).act(LeakSwitchOn(leak="cache"), 15, 16)).history()
    assert leak_span(made, "cache") == Span(15, end_s)
    assert leak_span(made, "log") is None


def test_only_a_leak_that_was_switched_on_began_and_its_first_time_counts() -> None:
    failed = record().act(LeakSwitchOn(leak="cache"), 15, 16, "failed").act(LeakSwitchOn(leak="cache"), 17, None)
    assert leak_span(failed.history(), "cache") is None
    assert leaks_began_s(failed.history(), LEAKS) is None
    twice = failed.act(LeakSwitchOn(leak="cache"), 20, 21).act(LeakSwitchOn(leak="cache"), 30, 31)
    assert leak_span(twice.history(), "cache") == Span(20, 90)
    both = twice.act(LeakSwitchOn(leak="log"), 18, 19).history()
    assert leaks_began_s(both, LEAKS) == 18
    assert leaks_began_s(both, LEAKS[:1]) == 20
    assert leaks_began_s(both, []) is None


def test_an_alert_counts_from_the_leak_on_or_else_from_the_baseline_on() -> None:
    made = record(baseline=(5, 15)).history()
    assert alerts_watched_from_s(made, plan()) is None
    assert alerts_watched_from_s(made, plan(leaks=[])) == 5
    assert alerts_watched_from_s(record().history(), plan(leaks=[])) is None
    on = record(baseline=(5, 15)).act(LeakSwitchOn(leak="cache"), 16, 17).history()
    assert alerts_watched_from_s(on, plan()) == 16


def test_the_first_switch_off_after_a_moment_counts() -> None:
    made = record().act(LeakSwitchOff(leak="log"), 20, 21).act(LeakSwitchOff(leak="cache"), 40, 45)
    made.act(LeakSwitchOff(leak="cache"), 30, 31)
    history = made.history()
    assert switched_off_s(history, ["cache"], 0) == 30
    assert switched_off_s(history, ["cache", "log"], 0) == 20
    assert switched_off_s(history, ["cache"], 30) == 30
    assert switched_off_s(history, ["cache"], 30.1) == 40
    assert switched_off_s(history, ["cache"], 41) is None
    assert switched_off_s(history, [], 0) is None


def acted(act: ActEvent, end: float | None) -> list[Span]:
    return down_spans(record().act(act, 10, end).sample(20, TargetReady()).sample(8, TargetReady()).history())


def test_a_service_is_down_until_a_while_after_it_came_back() -> None:
    assert acted(TargetRestart(), 12) == [Span(10, 13.5)]
    assert acted(TargetStart(), 12) == [Span(10, 13.5)]
    assert acted(TargetRestart(), None) == [Span(10, 91.5)]
    assert acted(TargetStop(), 12) == [Span(10, 21.5)]
    assert down_spans(record().act(TargetStop(), 30, 31).sample(20, TargetReady()).history()) == [Span(30, 91.5)]
    ended = record().sample(11, TargetExited(1.0, at=10)).sample(10, TargetReady()).sample(9.9, TargetReady())
    assert down_spans(ended.history()) == [Span(10, 11.5)]
    assert [one.when for one in unasked_exits(ended.history())] == [10]
    for_good = record().sample(11, TargetExited(1.0)).sample(10, TargetReady())
    assert down_spans(for_good.history()) == [Span(11, 91.5)]


def test_restarts_come_before_ends_and_ends_before_stops() -> None:
    made = record().act(TargetStop(), 1, 2).sample(3, TargetExited(1.0)).act(TargetStart(), 5, 6)
    made.act(TargetRestart(), 7, 8).sample(9, TargetReady())
    assert down_spans(made.history()) == [Span(7, 9.5), Span(5, 7.5), Span(3, 10.5), Span(1, 10.5)]


@pytest.mark.parametrize(
    ("times", "longest_s", "found"),
    [
        ([], 10, []),
        ([], 9.9, [(10, 20)]),
        ([15], 5, []),
        ([15], 4.9, [(10, 15), (15, 20)]),
        ([16, 12], 4, []),
        ([16, 12], 3.9, [(12, 16), (16, 20)]),
        ([9, 10, 20, 21], 9, [(10, 20)]),
        ([18, 11], 2, [(11, 18)]),
    ],
)
def test_a_gap_is_longer_than_what_is_tolerated(
    times: list[float], longest_s: float, found: list[tuple[float, float]]
) -> None:
    assert gaps(times, Span(10, 20), longest_s=longest_s) == [Span(*one) for one in found]


@pytest.mark.parametrize(
    ("down", "left"),
    [
        ([], [(10, 20)]),
        ([(0, 10)], [(10, 20)]),
        ([(20, 30)], [(10, 20)]),
        ([(0, 30)], []),
        ([(10, 20)], []),
        ([(12, 14)], [(10, 12), (14, 20)]),
        ([(5, 14)], [(14, 20)]),
        ([(12, 30)], [(10, 12)]),
        ([(12, 14), (13, 16)], [(10, 12), (16, 20)]),
        ([(10.5, 19.5)], [(10, 10.5), (19.5, 20)]),
    ],
)
def test_what_is_left_of_a_gap_lies_outside_of_all_that_explains_it(
    down: list[tuple[float, float]], left: list[tuple[float, float]]
) -> None:
    assert outside(Span(10, 20), [Span(*one) for one in down]) == [Span(*one) for one in left]
