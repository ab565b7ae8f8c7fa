"""What a step did to a resource, in numbers: levels before and after it, speeds, and how long a level lasted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from histories import Record, plan

from leakdrill.judging.evidence.effects import Fall, Slowdown, fall, slowdown, watched_after
from leakdrill.judging.evidence.lasting import came_back, held_long_enough, held_s
from leakdrill.judging.evidence.statistics import Interval
from leakdrill.judging.evidence.windows import Span, step_runs
from leakdrill.record.events import (
    LeakSwitchOff,
    LeakSwitchOn,
    Notice,
    ProcessTree,
    RunPhase,
    StepAct,
    TargetRestart,
)
from leakdrill.record.history import Series
from leakdrill.scenario.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.judging.evidence.windows import StepRun
    from leakdrill.record.history import History
    from leakdrill.scenario.scenario import Scenario

FILES = {"name": "cache", "resource": "descriptors"}
PEAK: dict[str, Any] = {"name": "cache", "resource": "threads", "peak": 40}


def series(*values: float, since: float = 0.0) -> Series:
    """One reading a second."""
    t = since + np.arange(len(values), dtype=float)
    return Series(t=t, values=np.array(values, dtype=float), requests=t * 0, indices=tuple(range(len(values))))


def scenario(*leaks: dict[str, Any]) -> Scenario:
    return plan(leaks=list(leaks) or [FILES | {"per_request": 1}])


def drilled(level: Callable[[float], float], *, every: float = 0.5, field: str = "fds") -> Record:
    """A step from 40 to 41 s; a baseline from 5 to 15 s, readings until 80 s; the leak is on from 15 to 60 s."""
    record = Record().act(RunPhase("baseline"), 5, 15).act(RunPhase("recover"), 42, 80)
    record.act(LeakSwitchOn(leak="cache"), 15, 15.5).act(StepAct("clear", action="http"), 40, 41)
    for t in np.arange(0, 80.01, every).round(3).tolist():
        record.sample(t, ProcessTree.of({field: level(t), "requests": t * 10}))
    return record.sample(90, Notice("the last line"))


def stairs(*levels: tuple[float, float]) -> Callable[[float], float]:
    """Each level holds from its moment on."""
    return lambda t: next(level for since, level in reversed(levels) if t >= since)


def run_of(history: History) -> StepRun:
    return next(run for run in step_runs(history) if run.act.name == "clear")


@pytest.mark.parametrize(
    ("values", "level", "held"),
    [
        ([], 5, 0.0),
        ([9, 9, 9, 9, 9, 9], 5, 0.0),
        ([5, 5, 5, 5, 5, 5], 5, 10.0),
        ([6, 6, 6, 6, 6, 6], 5, 0.0),
        ([9, 9, 1, 1, 9, 9, 9], 5, 2.0),
        ([9, 9, 1, 9, 9], 5, 0.0),
        ([1, 1, 9, 1, 1, 1], 5, 10.0),
        ([1, 1, 1, 9, 9, 9, 1, 1], 5, 4.0),
        ([1, 1, 9, 9, 1, 1, 9, 9, 9], 5, 2.0),
        ([1], 5, 10.0),
        ([1, 9], 5, 1.0),
        ([9, 1], 5, 9.0),
        ([1, 9, 9], 5, 1.0),
        ([1, 9, 1], 5, 10.0),
    ],
)
def test_a_level_is_held_while_medians_of_three_stay_at_or_below_it(
    values: list[float], level: float, held: float
) -> None:
    assert held_s(series(*values), Span(0, 10), level) == held


def test_only_what_was_watched_counts() -> None:
    values = series(1, 1, 1, 1, 1, 1, 1, 1, 1)
    assert held_s(values, Span(2, 5), 5) == 3
    assert held_s(values, Span(2, 30), 5) == 28
    assert held_s(values, Span(20, 30), 5) == 0


@pytest.mark.parametrize(
    ("held", "watched_s", "enough"),
    [(1.0, 5, True), (0.99, 5, False), (0.5, 1, True), (0.49, 1, False), (1.0, 2, True), (0.9, 2, False)],
)
def test_a_moment_is_a_second_or_half_of_a_short_watch(held: float, watched_s: float, enough: bool) -> None:
    assert held_long_enough(held, Span(10, 10 + watched_s)) == enough


def back(
    level: Callable[[float], float],
    *,
    off: tuple[float, ...] = (60.0,),
    change: Callable[[Record], object] = id,
    asked: Scenario | None = None,
    least: float = 20.0,
    field: str = "fds",
) -> Span | None:
    record = drilled(level, field=field)
    for t in off:
        record.act(LeakSwitchOff(leak="cache"), t - 0.5, t)
    change(record)
    history = record.history()
    return came_back(history, asked or scenario(), "descriptors", run_of(history), least)


RETURNS = stairs((0, 20), (15, 90), (41, 10), (65, 80), (70, 10))


def test_what_was_taken_away_came_back_when_it_stood_there_for_a_second() -> None:
    assert back(RETURNS) == Span(65, 70)
    assert back(stairs((0, 10))) is None
    assert back(stairs((0, 90))) is None
    assert back(stairs((0, 10), (65, 20), (70, 10))) is None
    assert back(stairs((0, 10), (65, 20.5), (70, 10))) == Span(65, 70)
    assert back(stairs((0, 10), (65, 80), (66, 10))) == Span(65, 66)
    assert back(stairs((0, 10), (65, 80), (65.5, 10))) is None
    assert back(stairs((0, 10), (65, 80), (66, 10), (70, 80), (72, 10))) == Span(65, 66)
    assert back(stairs((0, 10), (78, 80))) == Span(78, 80)
    assert back(stairs((0, 20), (65, 80), (70, 20))) == Span(65, 70)
    assert back(stairs((0, 10), (61.5, 80), (63, 10))) == Span(61.5, 63)


def test_what_never_left_did_not_come_back() -> None:
    assert back(stairs((0, 90), (66, 10), (70, 90))) == Span(70, 80)
    assert back(stairs((0, 90), (50, 10), (60, 90))) is None


def test_what_returns_within_a_second_of_the_switch_was_on_its_way() -> None:
    assert back(stairs((0, 10), (58, 80), (60.5, 10))) is None
    assert back(stairs((0, 10), (62, 80), (64, 10)), off=(63.0,)) is None
    assert back(stairs((0, 10), (62, 80), (66, 10)), off=(60.0, 63.0)) is None
    assert back(stairs((0, 10), (65.5, 80), (68, 10)), off=(60.0, 63.0)) == Span(65.5, 68)


def test_nothing_is_said_while_the_leak_may_go_on_or_the_service_was_down() -> None:
    assert back(RETURNS, off=()) is None
    assert back(RETURNS, change=lambda r: r.act(TargetRestart(), 62, 63)) is None
    assert back(RETURNS, change=lambda r: r.act(TargetRestart(), 50, 51)) == Span(65, 70)
    assert back(RETURNS, asked=scenario(FILES | {"per_request": 1, "stops": "never"})) is None
    assert back(RETURNS, asked=scenario(FILES | {"peak": 40})) is None
    other = {"name": "log", "resource": "threads", "per_request": 1}
    assert back(RETURNS, asked=scenario(FILES | {"per_request": 1}, other)) == Span(65, 70)
    second = {"name": "second", "resource": "descriptors", "per_request": 1}
    assert back(RETURNS, asked=scenario(FILES | {"per_request": 1}, second)) is None


def test_another_leaks_switch_and_one_that_never_ended_say_nothing() -> None:
    assert back(RETURNS, off=(), change=lambda r: r.act(LeakSwitchOff(leak="log"), 59, 60)) is None
    assert back(RETURNS, off=(), change=lambda r: r.act(LeakSwitchOff(leak="cache"), 59, None)) is None
    late = back(RETURNS, change=lambda r: r.act(LeakSwitchOff(leak="log"), 70, 72))
    assert late == Span(65, 70)


def test_the_next_step_ends_what_may_come_back() -> None:
    assert back(RETURNS, change=lambda r: r.act(StepAct("next", action="http"), 68, 69)) == Span(65, 68)
    assert back(RETURNS, change=lambda r: r.act(StepAct("next", action="http"), 65.5, 69)) is None
    assert back(RETURNS, change=lambda r: r.act(StepAct("first", action="http"), 38, 39)) == Span(65, 70)
    assert back(RETURNS, change=lambda r: r.act(StepAct("next", action="http"), 41, 42)) is None


@pytest.mark.parametrize(
    ("changes", "metric", "slope", "until"),
    [
        (lambda _r: None, "descriptors", False, 46.0),
        (lambda r: r.act(StepAct("next", action="http"), 44, 45), "descriptors", False, 44.0),
        (lambda r: r.act(StepAct("next", action="http"), 41, 45), "descriptors", False, 41.0),
        (lambda r: r.act(StepAct("before", action="http"), 38, 39), "descriptors", False, 46.0),
        (lambda r: r.act(LeakSwitchOff(leak="cache"), 43, 44), "descriptors", False, 46.0),
        (lambda r: r.act(LeakSwitchOff(leak="cache"), 43, 44), "descriptors", True, 43.0),
        (lambda r: r.act(LeakSwitchOff(leak="cache"), 40.9, 44), "descriptors", True, 46.0),
        (lambda r: r.act(LeakSwitchOff(leak="other"), 43, 44), "descriptors", True, 46.0),
        (lambda r: r.act(LeakSwitchOff(leak="threads"), 43, 44), "threads", False, 43.0),
        (lambda r: r.act(LeakSwitchOff(leak="cpu"), 42, 44), "cpu", False, 42.0),
        (lambda r: r.act(LeakSwitchOff(leak="cpu"), 42, 44), "threads", False, 46.0),
    ],
)
def test_the_watch_after_a_step_ends_with_what_else_moves_the_metric(
    changes: Any, metric: Any, slope: bool, until: float
) -> None:
    leaks = [FILES | {"per_request": 1}, PEAK | {"name": "threads"}]
    leaks += [{"name": "cpu", "resource": "cpu", "per_request": "5ms"}]
    record = drilled(stairs((0, 10)))
    changes(record)
    history = record.history()
    found = watched_after(history, scenario(*leaks), metric, Seen(), run_of(history), slope=slope)
    assert found == Span(41, until)


def test_the_watch_lasts_as_long_as_the_scenario_says() -> None:
    history = drilled(stairs((0, 10))).act(LeakSwitchOff(leak="cache"), 43, 44).history()
    assert watched_after(history, scenario(), "descriptors", Seen(within="9s"), run_of(history)) == Span(41, 50)


def fell(record: Record, asked: Scenario | None = None, metric: Any = "descriptors", **seen: Any) -> Fall | str:
    history = record.history()
    return fall(history, asked or scenario(), metric, Seen(**seen), run_of(history))


def test_what_is_kept_is_compared_by_medians_and_its_lowest_level_that_lasted() -> None:
    found = fell(drilled(lambda t: 20 + (t % 2 >= 1) * 4 if t < 15 else 90 if t < 40.5 else 30))
    assert isinstance(found, Fall)
    assert (found.baseline, found.before, found.after, found.watched) == (24, 90, 30, Span(41, 46))
    assert (found.growth, found.share) == (66, pytest.approx(60 / 66))
    assert found.noise == pytest.approx(4)
    assert found.events[1] - found.events[0] == 12 + 2  # readings from 40 to 46 s, and the step's two lines


def test_one_odd_reading_is_no_level_and_two_on_end_are_none_of_three() -> None:
    low = fell(drilled(lambda t: 5 if t == 43 else 30 if t > 40 else 60))
    assert isinstance(low, Fall)
    assert low.after == 30
    lasting = fell(drilled(lambda t: 5 if 43 <= t < 44 else 30 if t > 40 else 60))
    assert isinstance(lasting, Fall)
    assert lasting.after == 5
    few = fell(drilled(lambda t: 5 if t == 42 else 30 if t > 40 else 60, every=1), within="1s")
    assert isinstance(few, Fall)
    assert few.after == (5 + 30) / 2


def test_just_before_a_step_reaches_back_to_the_newest_reading() -> None:
    def before(level: Callable[[float], float], every: float, *earlier: tuple[float, float]) -> float:
        record = drilled(level, every=every)
        for start, end in earlier:
            record.act(StepAct("earlier", action="http"), start, end)
        found = fell(record)
        assert isinstance(found, Fall)
        return found.before

    assert before(stairs((0, 20), (39.5, 90)), 0.1) == 90
    assert before(stairs((0, 20), (39.6, 90)), 0.1) == 90
    assert before(stairs((0, 20), (39.5, 80), (39.9, 90), (40.1, 7)), 0.1) == 80
    assert before(stairs((0, 20), (38, 90), (40, 7)), 2) == (90 + 7) / 2
    assert before(stairs((0, 20), (36, 60), (38, 90), (40, 7)), 2) == (90 + 7) / 2
    assert before(stairs((0, 20), (38, 90), (40, 7)), 2, (38.5, 39)) == 7
    assert before(stairs((0, 20), (38, 90), (40, 7)), 2, (38.5, 40)) == 7
    assert before(stairs((0, 20), (38, 90), (40, 7)), 2, (37, 38)) == (90 + 7) / 2
    two = fell(drilled(stairs((0, 20), (38, 90), (40, 7)), every=2).drop("process", after=8.5, until=15))
    assert isinstance(two, Fall)
    assert two.before == (90 + 7) / 2


def test_a_peak_is_compared_by_high_levels_and_needs_time_to_settle() -> None:
    def level(t: float) -> float:
        return (20 if t < 15 else 90 if t < 35 else 70 if t < 39 else 60 if t < 42 else 25) + (int(t) % 3 == 0) * 5

    found = fell(drilled(level, field="threads", every=0.25), scenario(PEAK), "threads")
    assert isinstance(found, Fall)
    assert (found.baseline, found.before, found.after) == (25, 75, 30)
    earlier = fell(drilled(lambda t: 90 if t == 34.75 else level(t), field="threads", every=0.25), scenario(PEAK),
                   "threads")  # fmt: skip
    assert isinstance(earlier, Fall)
    assert earlier.before == 75
    for until, after in ((43, 30), (43.5, 70)):
        settling = drilled(lambda t, until=until: 70 if t < until else level(t), field="threads", every=0.25)
        settled = fell(settling, scenario(PEAK), "threads")
        assert isinstance(settled, Fall)
        assert settled.after == after


@pytest.mark.parametrize(
    ("gone", "reason"),
    [
        ((5, 15), "no sample of descriptors in the baseline"),
        ((39, 40), "no sample of descriptors just before it"),
        ((41, 46), "no sample of descriptors after it"),
        ((0, 90), "no sample of descriptors in the baseline"),
    ],
)
def test_levels_that_nobody_read_are_named(gone: tuple[float, float], reason: str) -> None:
    record = drilled(stairs((0, 20))).drop("process", after=gone[0], until=gone[1])
    assert fell(record) == reason
    without = drilled(stairs((0, 20)))
    without.events = [event for event in without.events if event.labels.get("phase") != "baseline"]
    assert fell(without) == "there is no baseline"


def test_one_reading_in_the_baseline_has_no_noise() -> None:
    found = fell(drilled(stairs((0, 20))).drop("process", after=5.2, until=15))
    assert isinstance(found, Fall)
    assert (found.baseline, found.noise) == (20, 0)
    two = fell(drilled(stairs((0, 20), (5.4, 24))).drop("process", after=5.7, until=15))
    assert isinstance(two, Fall)
    assert two.baseline == 22


def test_a_peak_ends_with_its_leak_and_so_does_the_watch() -> None:
    record = drilled(stairs((0, 20), (15, 90)), field="threads").act(LeakSwitchOff(leak="cache"), 44, 44.5)
    found = fell(record, scenario(PEAK), "threads")
    assert isinstance(found, Fall)
    assert found.watched == Span(41, 44)


def slowed(level: Callable[[float], float], change: Any = None, **seen: Any) -> Slowdown | str:
    record = drilled(level)
    if change is not None:
        change(record)
    history = record.history()
    return slowdown(history, scenario(), "descriptors", Seen(slows_by="50%", **seen), run_of(history))


def bends(*speeds: tuple[float, float]) -> Callable[[float], float]:
    """Grows at each speed from its moment on."""

    def level(t: float) -> float:
        total = 0.0
        for (since, speed), until in zip(speeds, [s for s, _ in speeds[1:]] + [1e9], strict=True):
            total += speed * max(0.0, min(t, until) - since)
        return total

    return level


def test_speeds_are_those_of_the_eight_seconds_before_and_of_the_watch_after_half_a_second() -> None:
    found = slowed(bends((0, 1), (15, 7), (32, 10), (41.5, 4), (46, 30)), within="5s")
    assert isinstance(found, Slowdown)
    assert (found.before.estimate, found.after.estimate) == (pytest.approx(10), pytest.approx(4))
    assert found.watched == Span(41.5, 46)
    assert found.share.estimate == pytest.approx(0.6)
    assert found.events[1] - found.events[0] == 28 + 3  # readings from 32 to 46 s, and three lines of acts


def test_a_speed_ends_with_its_leak_and_so_does_the_watch() -> None:
    found = slowed(bends((0, 1)), lambda r: r.act(LeakSwitchOff(leak="cache"), 50, 51), within="20s")
    assert isinstance(found, Slowdown)
    assert found.watched == Span(41.5, 50)


def test_the_share_of_a_speed_that_is_gone_is_least_where_the_speed_after_is_highest() -> None:
    found = Slowdown(Interval(10, 9, 11), Interval(4, 2, 7), Span(0, 1), (0, 1))
    assert found.share == Interval(0.6, pytest.approx(0.3), 0.8)
    assert Fall(10, 60, 30, 0, Span(0, 1), ()).share == 0.6


def test_the_speed_before_begins_with_the_leak_and_after_any_other_step() -> None:
    def before(change: Any) -> float | str:
        found = slowed(bends((0, 1), (34.5, 10), (41.5, 4)), change)
        return found if isinstance(found, str) else round(found.before.low, 3)

    assert before(None) != 10
    assert before(lambda r: r.act(StepAct("earlier", action="http"), 33, 34.5)) == 10
    assert before(lambda r: r.act(StepAct("later", action="http"), 47, 48)) != 10
    late = lambda r: r.drop("leak").act(LeakSwitchOn(leak="cache"), 34.5, 34.6)  # noqa: E731
    assert before(late) == 10
    too_late = lambda r: r.drop("leak").act(LeakSwitchOn(leak="cache"), 37, 37.1)  # noqa: E731
    assert before(too_late) == "too few samples of descriptors before it to tell how fast it grows"
    short = slowed(bends((0, 1)), within="4s")
    assert short == "too few samples of descriptors after it to tell how fast it grows"
