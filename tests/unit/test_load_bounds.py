"""The load of a drill at the bounds of each rule: just enough of it, and just too little.

What is said of each is kept in `verdict_texts/`, sentence by sentence; here stands whether the load was as asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from histories import drill, plan, requests_at
from test_load_conduct import counted

from leakdrill.judging.checks.load import AS_ASKED, load_is_as_asked, load_problems
from leakdrill.judging.evidence.load_conduct import Problem, asked_users, summary
from leakdrill.record.events import (
    LoadIdle,
    LoadWorkerRequests,
    ProcessTree,
    RecordCovers,
    ServiceMetrics,
    StepAct,
    TargetRestart,
    WorkerLost,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from histories import Record

    from leakdrill.scenario.scenario import Scenario


def load(**keys: Any) -> Scenario:
    return plan(load={"locustfile": "locustfile.py"} | keys)


def rate_from(start_s: float, rate: float, until_s: float = 99.0) -> Callable[[float], float]:
    """A hundred a second, but `rate` a second between the two times."""
    return lambda t: requests_at(t) - (100 - rate) * (max(0.0, min(t, until_s) - start_s))


def stands(start_s: float, end_s: float) -> dict[str, Any]:
    """The load's counts do not move between two times."""
    return {"requests": lambda t: requests_at(start_s if start_s <= t < end_s else t)}


def stepless(**changes: Callable[[float], Any]) -> Record:
    return counted(**changes).drop("step")


RATES: dict[str, tuple[dict[str, Any], float, str]] = {
    "just enough in the baseline": ({"tasks": rate_from(5, 70, 15)}, 100, ""),
    "just too few in the baseline": (
        {"tasks": rate_from(5, 69.5, 15)},
        100,
        "69.5 tasks/s were begun in the phase `baseline`",
    ),
    "just enough in the load": ({"tasks": rate_from(15, 30, 55)}, 100, ""),
    "just too few in the load": (
        {"tasks": rate_from(15, 29.5, 55)},
        100,
        "29.5 tasks/s were begun in the phase `load`",
    ),
    "just enough while it recovers": ({"tasks": rate_from(59, 30)}, 100, ""),
    "just too few while it recovers": (
        {"tasks": rate_from(59, 29.5)},
        100,
        "29.5 tasks/s were begun in the phase `recover`",
    ),
    "too few before the baseline": ({"tasks": lambda t: 100 * max(0.0, t - 5)}, 100, ""),
    "too few while the step is felt": ({"tasks": rate_from(56, 0, 59)}, 100, ""),
    "another rate than was asked for": ({}, 143.5, "100 tasks/s were begun in the phase `baseline`; 143.5/s"),
    "in two phases": (
        {"tasks": rate_from(5, 20, 55)},
        100,
        (
            "20 tasks/s were begun in the phase `baseline`; 100/s were "
            "asked for (if that is meant to be more than the service can answer, `load.allow` may name a "
            "lower rate); 20 tasks/s were begun in the phase `load`"
        ),
    ),
}


@pytest.mark.parametrize("name", RATES)
def test_the_rate_of_each_phase_is_held_to_what_was_asked_for(name: str) -> None:
    changes, rate, text = RATES[name]
    verdict = load_is_as_asked(counted(**changes).history(), scenario=load(rate=f"{rate}/s"))
    assert verdict.outcome == ("UNKNOWN" if text else "PASS")
    assert verdict.message.startswith(text)


def test_a_phase_that_is_missing_hides_no_other() -> None:
    record = counted(tasks=rate_from(59, 20))
    record.events = [event for event in record.events if event.labels.get("phase") != "load"]
    (problem,) = load_problems(record.history(), load(rate="100/s"))
    assert "in the phase `recover`" in problem.text


@pytest.mark.parametrize(("until", "slow"), [(17, False), (18, True)])
def test_less_than_three_seconds_of_a_phase_tell_no_rate(until: float, slow: bool) -> None:
    record = counted(tasks=rate_from(15, 0)).drop("step").drop("load", "requests", after=until + 0.5)
    problems = load_problems(record.history(), load(rate="100/s"))
    assert any("in the phase `load`" in problem.text for problem in problems) == slow


SILENCES: dict[str, tuple[Callable[[], Record], str]] = {
    "five seconds": (lambda: counted(**stands(30, 35)), ""),
    "six seconds": (lambda: counted(**stands(30, 36)), "no request came back for 6 s from 30 s on"),
    "from the first report on": (lambda: counted(**stands(6, 12)), "no request came back for 6 s from 6 s on"),
    "five seconds from the first report on": (lambda: counted(**stands(6, 11)), ""),
    "to the last report": (lambda: stepless(**stands(65, 99)), "no request came back for 6 s from 1 min 5 s on"),
    "five seconds to the last report": (lambda: stepless(**stands(66, 99)), ""),
    "while a step went on": (lambda: counted(**stands(50, 63)), "no request came back for 7.3 s from 56 s on"),
    "around a restart": (lambda: counted(**stands(30, 38)).act(TargetRestart(), 31, 33), ""),
    "long after a restart": (
        lambda: counted(**stands(30, 41)).act(TargetRestart(), 31, 33),
        "no request came back for 6.5 s from 34 s on",
    ),
    "of a load of one request in two seconds": (
        lambda: stepless(requests=lambda t: float(int(max(0.0, t - 2)) // 2 if not 30 <= t < 36 else 14)),
        "",
    ),
    "ten times the usual distance": (
        lambda: stepless(requests=lambda t: float(max(0.0, t - 2) if not 30 <= t < 40 else 28)),
        "",
    ),
    "eleven times the usual distance": (
        lambda: stepless(requests=lambda t: float(max(0.0, t - 2) if not 30 <= t < 41 else 28)),
        "no request came back for 11 s from 30 s on",
    ),
    "a load that is quicker at its end": (
        lambda: stepless(requests=lambda t: float(max(0.0, t - 2) if not 30 <= t < 36 else 28) + 1000 * (t > 70.5)),
        "no request came back for 6 s from 30 s on",
    ),
    "a load that is quicker at its beginning": (
        lambda: stepless(requests=lambda t: float(max(0.0, t - 2) if not 30 <= t < 36 else 28) + 1000 * (t > 6.5)),
        "no request came back for 6 s from 30 s on",
    ),
    "twice": (
        lambda: counted(requests=lambda t: requests_at(20 if 20 <= t < 27 else 30 if 30 <= t < 38 else t)),
        "no request came back for 7 s from 20 s on; no request came back for 8 s from 30 s on",
    ),
}


@pytest.mark.parametrize("name", SILENCES)
def test_a_silence_is_long_against_five_seconds_and_ten_times_the_usual_distance(name: str) -> None:
    make, text = SILENCES[name]
    verdict = load_is_as_asked(make().history(), scenario=plan())
    assert (verdict.outcome, verdict.message.startswith(text)) == ("UNKNOWN" if text else "PASS", True), verdict


def test_a_load_that_never_moves_has_no_usual_distance() -> None:
    problems = load_problems(stepless(requests=lambda _t: 100.0).history(), plan())
    assert [problem.text for problem in problems] == []


@pytest.mark.parametrize(
    ("lost", "text"),
    [
        ((WorkerLost(0.0, wanted="4"),), ""),
        ((WorkerLost(1.0, wanted="4"), WorkerLost(2.0, wanted="4")), "Locust lost 2 of 4 workers"),
        ((WorkerLost(2.0, wanted="4"), WorkerLost(0.0, wanted="4")), "Locust lost 2 of 4 workers"),
    ],
)
def test_the_last_loss_of_workers_is_told(lost: tuple[WorkerLost, ...], text: str) -> None:
    record = counted(users_started=lambda _t: 1.0) if text else counted()
    for number, event in enumerate(lost):
        record.sample(20.0 + number, event)
    verdict = load_is_as_asked(record.history(), scenario=plan())
    assert (verdict.outcome, verdict.message if text else "") == ("UNKNOWN" if text else "PASS", text)
    assert verdict.numbers.get("problems") == (1 if text else None)


def test_whoever_counts_no_tasks_counts_nothing() -> None:
    def claims(record: Record) -> int:
        return len(list(AS_ASKED.cases(record.history(), plan())))

    assert claims(drill()) == 0
    assert claims(drill().sample(0.0, RecordCovers())) == 1
    for name in ("tasks", "users_started"):
        one = drill().change("load", "requests", lambda event, n=name: {**dict(event.value), n: 5.0})
        assert claims(one) == 1
        assert load_problems(one.history(), plan())
    assert load_problems(drill().history(), plan()) == []


def test_reports_that_nobody_counted_or_that_all_lie_in_a_step_say_nothing() -> None:
    unseen = counted().drop("step").act(StepAct("clear the cache", action="http"), 3, 70)
    for record in (drill(), unseen):
        verdict = load_is_as_asked(record.history(), scenario=plan())
        assert (verdict.outcome, verdict.message) == ("UNKNOWN", "nobody counted what the load did")
        assert verdict.hint == "read load.log in the run folder"


def test_what_is_idle_is_named_once_for_each_part_unless_it_may_be() -> None:
    record = counted().sample(71.5, LoadIdle("Shopper.pay")).sample(71.6, LoadIdle("Admin"))
    assert load_is_as_asked(record.history(), scenario=plan()).message == (
        "Shopper.pay never ran; `load.allow` may name idle tasks; Admin never ran; `load.allow` may name idle tasks"
    )
    assert load_is_as_asked(record.history(), scenario=load(allow=["idle tasks"])).outcome == "PASS"


def test_workers_that_all_sent_nothing_are_not_told_of_as_lazy() -> None:
    record = counted()
    for worker in ("1", "2"):
        record.sample(71.5, LoadWorkerRequests(requests=0.0, worker=worker))
    assert load_is_as_asked(record.history(), scenario=plan()).outcome == "PASS"
    record.sample(71.6, LoadWorkerRequests(requests=1.0, worker="3"))
    verdict = load_is_as_asked(record.history(), scenario=plan())
    assert verdict.message == "the load worker 1 sent no request; the load worker 2 sent no request"
    assert verdict.numbers == {"problems": 2}


def paged(
    count: Callable[[float], float] = requests_at, *, times: tuple[float, ...] = (6.0, 20.0, 50.0), processes: float = 1
) -> Record:
    """A drill in which the service's own page counts requests, by one process or several."""
    record = counted()
    record.sample(2.0, ProcessTree(processes=processes, requests=0.0))
    for t in times:
        record.sample(t, ServiceMetrics.of({"http_requests_total": count(t)}))
    return record


FEW = 0.9 * 4400 - 50
MANY = 1.5 * 4400 + 50 + 20 * 44
PAGES: dict[str, tuple[Callable[[], Record], bool]] = {
    "as many": (paged, False),
    "just enough": (lambda: paged(lambda t: FEW * (t - 6) / 44), False),
    "just too few": (lambda: paged(lambda t: (FEW - 1) * (t - 6) / 44), True),
    "just not too many": (lambda: paged(lambda t: MANY * (t - 6) / 44), False),
    "just too many": (lambda: paged(lambda t: (MANY + 1) * (t - 6) / 44), True),
    "none": (lambda: paged(lambda _t: 0.0), True),
    "a count that fell": (lambda: paged(lambda t: 9000 - requests_at(t)), False),
    "of two processes": (lambda: paged(lambda _t: 0.0, processes=2), False),
    "of no process": (lambda: paged(lambda _t: 0.0, processes=0), False),
    "one page": (lambda: paged(lambda _t: 0.0, times=(6.0,)), False),
    "two pages": (lambda: paged(lambda _t: 0.0, times=(6.0, 50.0)), True),
    "before the baseline": (lambda: paged(lambda _t: 0.0, times=(3.0, 4.9)), False),
    "from the baseline's first moment on": (lambda: paged(lambda _t: 0.0, times=(5.0, 9.0)), True),
    "to the step's beginning": (lambda: paged(lambda _t: 0.0, times=(50.0, 55.2)), True),
    "after the step's beginning": (lambda: paged(lambda _t: 0.0, times=(50.0, 55.3)), False),
    "without a step, to the end of the watch": (lambda: paged(lambda _t: 0.0, times=(64.0, 71.0)).drop("step"), True),
    "until a restart": (lambda: paged(lambda _t: 0.0, times=(6.0, 20.0)).act(TargetRestart(), 10, 11), False),
    "after a restart in the baseline's first moment": (
        lambda: paged(lambda _t: 0.0, times=(6.0, 20.0)).act(TargetRestart(), 5, 6),
        True,
    ),
    "without a baseline": (lambda: paged(lambda _t: 0.0).drop("drill"), False),
    "of a load with two reports": (
        lambda: paged(lambda _t: 0.0).drop("load", after=6.5, until=49).drop("load", after=51).drop("load", until=5.5),
        True,
    ),
    "of a load that does not say what was answered": (
        lambda: paged(lambda _t: 0.0).change(
            "load", "requests", lambda e: {**dict(e.value), "completed": None} if e.t < 71 else e.value
        ),
        False,
    ),
}


@pytest.mark.parametrize("name", PAGES)
def test_what_the_service_counted_is_held_against_what_the_load_had_answered(name: str, kept_too: list[Any]) -> None:
    make, apart = PAGES[name]
    record = make()
    record.events = [e for e in record.events if e.source != "load" or not isinstance(e.value, dict) or all(
        value is not None for value in e.value.values())]  # fmt: skip
    problems = load_problems(record.history(), plan())
    told = [problem for problem in problems if "the service counted" in problem.text]
    assert bool(told) == apart
    if told and name != "without a step, to the end of the watch":
        kept_too.append(load_is_as_asked(record.history(), scenario=plan()))
    assert load_problems(record.history(), load(allow=["uncounted requests"])) == [
        problem for problem in problems if problem not in told
    ]


def test_only_the_first_three_problems_are_told() -> None:
    problems = [Problem(text, ()) for text in "abcde"]
    assert summary(problems) == "a; b; c; and 2 more"
    assert summary(problems[:4]) == "a; b; c; and 1 more"
    assert summary(problems[:3]) == "a; b; c"
    assert summary([]) == ""


@pytest.mark.parametrize(
    ("args", "users"),
    [
        (["--users", "7", "-u", "9"], 7),
        (["-u=8"], 8),
        (["--users=", "9"], 10),
        (["-u", "x"], 10),
        (["--user", "9"], 10),
        (["x", "--users", "3"], 3),
    ],
)
def test_the_first_argument_that_is_a_number_of_users_counts(args: list[str], users: int) -> None:
    assert asked_users(load(args=args).load) == users
