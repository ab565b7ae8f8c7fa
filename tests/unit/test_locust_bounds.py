"""What runs inside Locust and does not grow with the load, and what it makes of answers: in a Python of its own.

Locust replaces the sockets and threads of the interpreter that imports it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from leakdrill.load.in_locust.answers import Answers
from leakdrill.load.in_locust.counters import CRASHES_AS_SUCCESS, DIVERTED, ELSEWHERE, EMPTY, ERRORS_AS_SUCCESS

HOST = "http://127.0.0.1:8000"

SCRIPT = """
import locust, json
from locust import stats as S
from leakdrill.load.in_locust.bounded_stats import bound_stats, forget_old_seconds, is_bounded
bound_stats()
stats = S.RequestStats()
for n in range(5000):
    stats.log_request("GET", f"/item/{n}", 5, 10)
    stats.log_error("GET", f"/item/{n}", ValueError(f"no item {n}"))
forget_old_seconds(stats, now=__import__("time").time() + 1000)
from leakdrill.load.in_locust.user_monitor import UserMonitor
from leakdrill.load.in_locust.counters import Counters
monitor = UserMonitor(Counters())
for n in range(5000):
    monitor._note(f"User.task_{n}")
from locust import User, TaskSet, task
class Shop(User):
    @task
    def look(self): pass
    @task(2)
    def buy(self): pass
    @task(0)
    def off(self): pass
class Never(User):
    weight = 0
    @task
    def x(self): pass
from leakdrill.load.in_locust.idle_tasks import idle_parts
print(json.dumps({
    "entries": len(stats.entries), "errors": len(stats.errors), "bounded": is_bounded(stats),
    "seconds": len(stats.total.num_reqs_per_sec), "total": stats.total.num_requests, "ran": len(monitor.ran),
    "idle": idle_parts({"Shop": 2, "Shop.look": 100}, [Shop], chosen=False),
    "chosen": idle_parts({"Shop": 2, "Shop.look": 100}, [Shop], chosen=True),
    "brief": idle_parts({"Shop": 2, "Shop.look": 5}, [Shop], chosen=True),
    "none": idle_parts({"Other": 2}, [Shop], chosen=True),
}))
"""


@pytest.fixture(scope="module")
def inside() -> dict[str, object]:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_names_errors_seconds_and_tasks_are_bounded_and_the_totals_are_whole(inside: dict[str, object]) -> None:
    assert inside["entries"] == 1001
    assert inside["errors"] <= 1001  # type: ignore[operator]
    assert (inside["bounded"], inside["seconds"], inside["total"], inside["ran"]) == (True, 0, 5000, 1000)


def test_what_never_ran_is_named_unless_it_was_not_chosen_or_had_no_time(inside: dict[str, object]) -> None:
    assert inside["idle"] == ["Never (weight 0)", "Shop.buy", "Shop.off (weight 0)"]
    assert (inside["chosen"], inside["brief"], inside["none"]) == (["Shop.buy"], [], ["Shop (no user)"])


def answer(status: int = 200, length: int = 2, *, to: str = "", followed: bool = True) -> SimpleNamespace:
    """A response; one that was led `to` another page, which the client `followed` or not."""
    headers = {"content-length": str(length), **({"location": to} if to else {})}
    first = SimpleNamespace(status_code=302, headers=headers, history=[])
    if to and not followed:
        return first
    return SimpleNamespace(status_code=status, headers=headers, history=[first] if to else [])


def counted(*requests: dict[str, object]) -> dict[int, int]:
    """The cells that were counted in, with their counts."""
    cells: dict[int, int] = {}
    answers = Answers(SimpleNamespace(add=lambda cell: cells.update({cell: cells.get(cell, 0) + 1})))  # type: ignore[arg-type]
    answers.target_is([HOST])
    for request in requests:
        answers.on_request(**{"request_type": "GET", "url": f"{HOST}/page", "response_length": 2, **request})  # type: ignore[arg-type]
    return cells


@pytest.mark.parametrize(
    ("requests", "cells"),
    [
        ([{"response": answer()}], {}),
        ([{"response": answer(404)}], {ERRORS_AS_SUCCESS: 1}),
        ([{"response": answer(503)}], {CRASHES_AS_SUCCESS: 1}),
        ([{"response": answer(503), "exception": ValueError()}], {}),
        ([{"response": None, "exception": OSError()}], {}),
        ([{"response": answer(length=0), "response_length": 0}], {EMPTY: 1}),
        ([{"response": answer(204, length=0), "response_length": 0}], {}),
        ([{"response": answer(length=0), "response_length": 0, "request_type": "POST"}], {}),
        ([{"response": answer(), "url": "http://elsewhere:80/page"}], {ELSEWHERE: 1}),
        ([{"response": answer(), "url": "http://localhost:8000/page"}], {}),
        ([{"response": answer(), "url": "http://localhost:8001/page"}], {ELSEWHERE: 1}),
        ([{"response": answer(to="/login?next=/page")}], {DIVERTED: 1}),
        ([{"response": answer(to="/login", followed=False)}], {DIVERTED: 1}),
        ([{"response": answer(to="/page/")}], {}),
        ([{"response": answer(to="http://[/x", followed=False)}], {}),
        ([{"response": answer(to="//[")}], {}),
        ([{"response": None, "exception": ValueError(), "url": "http://[/x"}], {ELSEWHERE: 1}),
        ([{"response": None, "exception": ValueError(), "url": f"{HOST}000/x"}], {ELSEWHERE: 1}),
        ([{"response": answer(to="/home")}], {}),
        ([{"response": answer(to="/start"), "url": f"{HOST}/{n}"} for n in range(3)], {DIVERTED: 2}),
        ([{"response": answer(to="/author/7")}], {}),
        ([{"response": answer(to="/login"), "url": f"{HOST}/login/form"}], {}),
    ],
)
def test_answers_are_taken_for_what_they_are(requests: list[dict[str, object]], cells: dict[int, int]) -> None:
    assert counted(*requests) == cells
