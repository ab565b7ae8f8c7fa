"""Loads that were not what was asked for, by what Locust's processes counted: literal records in, verdicts out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from histories import Record, drill, plan, requests_at
from test_gate_run import SCENARIO, run

from leakdrill.judging.checks.load import load_is_as_asked
from leakdrill.judging.checks.requests import requests_keep_error_rate, requests_keep_latency
from leakdrill.judging.drill import judge, judge_claims
from leakdrill.judging.evidence.load_conduct import COUNTS, asked_users
from leakdrill.judging.leak.gate import judge_gate
from leakdrill.judging.matrix_cell import judge_cell
from leakdrill.record.events import LoadIdle, LoadWorkerRequests, WorkerLost
from leakdrill.record.history import Event, History

if TYPE_CHECKING:
    from collections.abc import Callable

LATE = 20.0
"""From here on what goes wrong goes wrong."""


def counted(**changes: Callable[[float], Any]) -> Record:
    """A drill whose load was as asked; `changes` say by time what a count is instead."""

    def values(event: Event) -> dict[str, Any]:
        made = requests_at(event.t)
        usual = {**dict.fromkeys(COUNTS, 0.0), "requests": made, "completed": made, "tasks": made, "p99_ms": 12.0}
        usual |= {"users_started": 10.0}
        return {k: v for k, v in {**usual, **{n: c(event.t) for n, c in changes.items()}}.items() if v is not None}

    return drill().change("load", "requests", values)


def share(part: float) -> Callable[[float], float]:
    """A count that is this share of the requests from `LATE` on."""
    return lambda t: max(0.0, requests_at(t) - requests_at(LATE)) * part


def test_a_load_that_was_as_asked_passes() -> None:
    verdict = load_is_as_asked(counted().history(), scenario=plan())
    assert (verdict.outcome, "10 users made" in verdict.message) == ("PASS", True)


def test_a_record_of_before_makes_no_claim_about_its_load() -> None:
    assert "load_is_as_asked" not in {verdict.check for verdict in judge(drill().history(), plan())}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"users_ended": lambda t: 10.0 if t > LATE else 0.0}, "0 of 10 users ran"),
        ({"users_ended": lambda t: 1.0 if t > LATE else 0.0}, "9 of 10 users ran"),
        ({"users_started": lambda _t: 6.0}, "6 of 10 users ran"),
        ({"users_started": lambda _t: 100.0}, "100 users ran; 10 were asked for"),
        ({"exceptions": share(1)}, "tasks raised an exception"),
        ({"exceptions": share(0.02)}, "tasks raised an exception"),
        ({"listener_exceptions": share(0.5)}, "listener of the locustfile"),
        ({"event_exceptions": lambda _t: 1.0}, "`test_start`"),
        ({"elsewhere": share(0.2)}, "another host"),
        ({"diverted": share(0.4)}, "a login or a common page"),
        ({"empty": share(1)}, "answered with nothing"),
        ({"crashes_as_success": share(0.1)}, "from 500 on, called success"),
        ({"errors_as_success": share(0.9)}, "from 400 to 499, called success"),
        ({"oldest_s": lambda t: max(0.0, t - LATE)}, "in one task for"),
        ({"tasks": lambda _t: None}, "lacks tasks"),
        ({"tasks": lambda t: None if t > LATE else requests_at(t)}, "lacks tasks"),
        ({"users_ended": lambda t: float("nan") if t > LATE else 0.0}, "lacks users_ended"),
        ({"exceptions": lambda t: -1.0 if t > LATE else 0.0}, "lacks exceptions"),
        ({"tasks": lambda t: requests_at(min(t, LATE)) - max(0.0, t - LATE)}, "cannot be true"),
        ({"requests": lambda t: requests_at(min(t, LATE))}, "no request came back for"),
    ],
)
def test_a_load_that_was_not_as_asked_is_unknown_and_says_so(changes: Any, words: str) -> None:
    verdict = load_is_as_asked(counted(**changes).history(), scenario=plan())
    assert (verdict.outcome, words in verdict.message) == ("UNKNOWN", True), verdict.message


@pytest.mark.parametrize(
    "changes",
    [
        {"exceptions": share(0.005)},
        {"listener_exceptions": share(0.005)},
        {"errors_as_success": share(0.3)},
        {"empty": share(0.4)},
        {"diverted": share(0.05)},
        {"failures": share(0.01)},
        {"users_ended": lambda t: 10.0 if 55 < t < 57 else 0.0},
        {"oldest_s": lambda _t: 9.0},
        {"p99_ms": lambda _t: 8000.0, "oldest_s": lambda _t: 30.0},
    ],
)
def test_a_load_with_the_usual_oddities_passes(changes: Any) -> None:
    if "users_ended" in changes:  # they restart with the service, during the step
        changes = {"users_started": lambda t: 10.0 if t < 56.5 else 20.0, "users_ended": lambda t: 10.0 * (t > 55.5)}
    verdict = load_is_as_asked(counted(**changes).history(), scenario=plan())
    assert verdict.outcome == "PASS", verdict.message


@pytest.mark.parametrize(
    ("oddity", "changes"),
    [
        ("client errors", {"errors_as_success": share(1)}),
        ("empty answers", {"empty": share(1)}),
        ("redirects", {"diverted": share(1)}),
        ("other hosts", {"elsewhere": share(1)}),
        ("idle users", {"users_ended": lambda t: 10.0 if t > LATE else 0.0}),
    ],
)
def test_what_a_load_does_on_purpose_may_be_allowed(oddity: str, changes: Any) -> None:
    history = counted(**changes).history()
    load = {"locustfile": "locustfile.py"}
    assert load_is_as_asked(history, scenario=plan(load=load)).outcome == "UNKNOWN"
    assert load_is_as_asked(history, scenario=plan(load={**load, "allow": [oddity]})).outcome == "PASS"


def test_a_worker_that_was_lost_is_named_and_not_the_users_that_another_took_over() -> None:
    record = counted(users_started=lambda t: 10.0 if t < LATE else 20.0).sample(LATE, WorkerLost(1, wanted="2"))
    verdict = load_is_as_asked(record.history(), scenario=plan())
    assert (verdict.outcome, verdict.message) == ("UNKNOWN", "Locust lost 1 of 2 workers")


def test_a_rate_that_was_asked_for_must_be_kept() -> None:
    asked = {"load": {"locustfile": "locustfile.py", "rate": "200/s"}}
    verdict = load_is_as_asked(counted().history(), scenario=plan(**asked))
    assert (verdict.outcome, "100 tasks/s" in verdict.message) == ("UNKNOWN", True)
    allowed = {"load": {**asked["load"], "allow": ["lower rate"]}}
    assert load_is_as_asked(counted().history(), scenario=plan(**allowed)).outcome == "PASS"
    asked["load"]["rate"] = "120/s"
    assert load_is_as_asked(counted().history(), scenario=plan(**asked)).outcome == "PASS"


def test_users_that_are_still_being_spawned_are_not_missed() -> None:
    slowly = {"locustfile": "locustfile.py", "users": 100, "spawn_rate": 4}
    spawned = counted(users_started=lambda t: min(100.0, 4.0 * (t - 2))).history()
    assert load_is_as_asked(spawned, scenario=plan(load=slowly)).outcome == "PASS"
    stuck = counted(users_started=lambda t: min(30.0, 4.0 * (t - 2))).history()
    assert load_is_as_asked(stuck, scenario=plan(load=slowly)).outcome == "UNKNOWN"


def test_the_users_of_a_load_shape_are_those_that_it_asks_for() -> None:
    shaped = {"wanted_users": lambda t: 3.0 if t < LATE else 6.0, "users_started": lambda t: 3.0 if t < LATE else 6.0}
    assert load_is_as_asked(counted(**shaped).history(), scenario=plan()).outcome == "PASS"
    shaped["users_started"] = lambda _t: 3.0
    assert load_is_as_asked(counted(**shaped).history(), scenario=plan()).outcome == "UNKNOWN"


@pytest.mark.parametrize(
    ("args", "users"), [([], 10), (["-u", "7"], 7), (["--tags", "x", "--users=9"], 9), (["--users"], 10)]
)
def test_locusts_own_argument_wins(args: list[str], users: int) -> None:
    assert asked_users(plan(load={"locustfile": "l.py", "args": args}).load) == users


def test_what_never_ran_and_who_sent_nothing_is_named() -> None:
    idle = counted().sample(71.5, LoadIdle("Shopper.pay")).history()
    assert "Shopper.pay never ran" in load_is_as_asked(idle, scenario=plan()).message
    workers = counted()
    for worker, requests in (("1", 900.0), ("2", 0.0)):
        workers.sample(71.5, LoadWorkerRequests(requests=requests, worker=worker))
    assert "the load worker 2 sent no request" in load_is_as_asked(workers.history(), scenario=plan()).message


def test_nothing_at_all_from_locust_is_unknown() -> None:
    silent = counted().drop("load", "requests", after=4.0).history()
    assert load_is_as_asked(silent, scenario=plan()).outcome == "UNKNOWN"


def test_tasks_that_raise_leave_the_error_rate_unknown() -> None:
    verdict = requests_keep_error_rate(counted(exceptions=share(1)).history(), scenario=plan())
    assert (verdict.outcome, "tasks raised an exception" in verdict.message) == ("UNKNOWN", True)


@pytest.mark.parametrize(
    "failures",
    [
        lambda t: None if t > LATE else 0.0,
        lambda t: "none" if t > LATE else 0.0,
        lambda t: float("nan") if t > LATE else 0.0,
        lambda t: -5.0 if t > LATE else 0.0,
        lambda t: 50.0 if t < LATE else 0.0,
        lambda t: requests_at(t) + 1,
    ],
)
def test_failures_that_cannot_be_true_are_unknown(failures: Callable[[float], Any]) -> None:
    history = counted(failures=failures).history()
    for check in (requests_keep_error_rate, requests_keep_latency):
        assert check(history, scenario=plan()).outcome == "UNKNOWN"


def test_a_cell_of_the_matrix_whose_load_was_not_as_asked_has_no_effect() -> None:
    finding = judge_cell(counted(exceptions=share(1)).history(), plan())
    assert (finding.effect, "the load was not as asked" in finding.reason) == (None, True)


def gate_outcomes(change: Callable[[Event], dict[str, Any]], *, slots: int = 24) -> dict[str, tuple[str, str]]:
    """The verdicts on a healthy gate run whose load was another one."""
    events = [
        replace(event, value={**event.value, **change(event)}) if event.source == "load" else event  # type: ignore[dict-item]
        for event in run(slots=slots)
    ]
    return {v.check: (str(v.outcome), v.message) for v in judge_gate(History(events), SCENARIO)}


def test_a_gate_whose_requests_all_fail_is_no_clean_gate() -> None:
    verdicts = gate_outcomes(lambda event: {"failures": event.value["requests"]})  # type: ignore[index, call-overload]
    assert verdicts["requests_keep_error_rate"][0] == "FAIL"
    assert verdicts["memory_does_not_leak"][0] == "UNKNOWN"
    assert "but requests_keep_error_rate is FAIL" in verdicts["memory_does_not_leak"][1]


def test_a_gate_keeps_its_usual_errors() -> None:
    verdicts = gate_outcomes(lambda event: {"failures": 0.01 * event.value["requests"]})  # type: ignore[index, call-overload, operator]
    assert {outcome for outcome, _ in verdicts.values()} == {"PASS"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"users_started": 10.0, "users_ended": 10.0}, "0 of 10 users ran"),
        ({"event_exceptions": 2.0}, "raised 2 times"),
        ({"users_started": None}, "lacks users_started"),
    ],
)
def test_a_gate_whose_load_was_not_as_asked_is_unknown(change: dict[str, Any], words: str) -> None:
    verdicts = gate_outcomes(lambda _event: change)
    for check in ("load_is_as_asked", "memory_does_not_leak", "threads_do_not_grow"):
        assert (verdicts[check][0], words in verdicts[check][1]) == ("UNKNOWN", True), verdicts[check]


def test_a_gate_without_reports_of_its_load_is_unknown() -> None:
    history = History([event for event in run() if event.source != "load"])
    verdicts = {v.check: v.outcome for v in judge_gate(history, SCENARIO)}
    assert verdicts["requests_keep_error_rate"] == verdicts["load_is_as_asked"] == "UNKNOWN"
    assert verdicts["memory_does_not_leak"] == "UNKNOWN"


def test_the_errors_of_a_recording_that_took_less_than_a_second_count_and_its_users_do_not() -> None:
    def recorded(failures: float) -> dict[str, str]:
        events = list(run(corpus="closed"))
        first = next(event for event in events if event.source == "load")
        value = {**first.value, "requests": 500.0, "failures": failures, "users_ended": 10.0}  # type: ignore[dict-item]
        brief = replace(first, value=value, labels={**first.labels, "corpus": "recording"})
        closed = SCENARIO.model_copy(update={"gate": SCENARIO.gate.model_copy(update={"corpus": "closed"})})
        return {v.check: str(v.outcome) for v in judge_gate(History([*events, brief]), closed)}

    assert set(recorded(5.0).values()) == {"PASS"}
    assert recorded(500.0)["requests_keep_error_rate"] == "FAIL"


@pytest.mark.parametrize(("rate", "outcome"), [("120/s", "UNKNOWN"), ("110/s", "FAIL"), ("100/s", "FAIL")])
def test_an_alert_that_is_late_for_want_of_load_is_not_late_by_its_rule(rate: str, outcome: str) -> None:
    """It fired after 35 s of 30 under 100 tasks/s: with 120 the leak would have come in time."""
    late = counted()
    late.drop("prometheus", "alert").alert(50.2, "firing", at=50)
    asked = plan(load={"locustfile": "locustfile.py", "rate": rate})
    (verdict,) = [one for one in judge_claims(late.history(), asked) if one.check == "alert_fires_in_time"]
    assert verdict.outcome == outcome
    assert ("only 83.33 % of the tasks that were asked for were begun" in verdict.message) == (outcome == "UNKNOWN")
