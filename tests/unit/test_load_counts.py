"""What Locust's processes count, and the rows made of it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakdrill.load.command import argv, environment
from leakdrill.load.counter_reader import NOTHING, CounterReader, percentile_ms, row
from leakdrill.load.in_locust.counters import Counters, bucket, bucket_middle_ms
from leakdrill.load.in_locust.pacing import paced
from leakdrill.scenario.load import Load


@given(st.floats(0, 99_999.9))
def test_a_bucket_is_never_far_from_the_time_it_holds(response_ms: float) -> None:
    """0.05 ms off below 100 ms, half a percent above."""
    assert abs(bucket_middle_ms(bucket(response_ms)) - response_ms) <= max(0.0501, response_ms * 0.00501)


@pytest.mark.parametrize(
    ("response_ms", "cell"), [(-1, 0), (0, 0), (100, 1000), (1000, 1900), (1e4, 2800), (1e9, 3700)]
)
def test_buckets_join_without_gaps(response_ms: float, cell: int) -> None:
    assert bucket(response_ms) == cell


def test_counts_reach_a_reader_at_once_and_keep_what_came_before_the_file(tmp_path: Path) -> None:
    counters, reader = Counters(), CounterReader(tmp_path)
    counters.on_request(response_time=5.0, exception=None)
    counters.open(tmp_path)
    assert reader.answered() == 1
    counters.on_request(response_time=7.0, exception=None, name="/", context={})
    counters.on_request(response_time=None, exception=ValueError())
    totals = reader.totals()
    assert (totals.answered, totals.failures, totals.requests) == (2, 1, 3)


def test_a_row_is_about_its_own_second_only(tmp_path: Path) -> None:
    counters, reader = Counters(), CounterReader(tmp_path)
    counters.open(tmp_path)
    for _ in range(10):
        counters.on_request(response_time=900.0, exception=None)
    before = reader.totals()
    for ms in range(1, 101):
        counters.on_request(response_time=ms / 10, exception=None if ms > 4 else OSError())
    figures = row(before, reader.totals(), 2.0)
    assert figures == {
        "requests": 110, "failures": 4, "rps": 50, "fail_per_s": 2, "p50_ms": 5.05, "p95_ms": 9.55, "p99_ms": 9.95,
    }  # fmt: skip


def test_a_second_without_requests_has_no_percentiles() -> None:
    assert row(NOTHING, NOTHING, 1.0) == {"requests": 0, "failures": 0, "rps": 0, "fail_per_s": 0}


def test_one_request_is_every_percentile() -> None:
    times = np.zeros(3701, dtype=np.uint64)
    times[bucket(12.34)] = 1
    assert {percentile_ms(times, percent) for percent in (1, 50, 99, 100)} == {12.35}


def test_users_do_not_march_in_step_and_keep_their_grid() -> None:
    """Three users begin spread over the period; a late wake-up of one does not move its next turn."""
    now = [0.0]
    wait_time = paced(1.0, clock=lambda: now[0])
    users = [SimpleNamespace() for _ in range(3)]
    first = [wait_time(user) for user in users]
    assert sorted(round(wait, 3) for wait in first) == [0.236, 0.618, 0.854]
    now[0] = first[0] + 0.3
    assert wait_time(users[0]) == pytest.approx(0.7)


def test_a_user_that_is_late_by_more_than_a_period_does_not_catch_up() -> None:
    now = [0.0]
    wait_time = paced(1.0, clock=lambda: now[0])
    user = SimpleNamespace()
    wait_time(user)
    now[0] = 10.0
    assert wait_time(user) == 0
    assert wait_time(user) == pytest.approx(1.0)


def test_the_command_bounds_the_run_and_lets_the_scenario_have_the_last_word() -> None:
    spec = Load(locustfile=Path("/x/locustfile.py"), users=7, args=["--stop-timeout", "9"])
    words = argv(spec, host="http://h:1", max_run_s=12.2)
    assert words[words.index("--run-time") + 1] == "13s"
    assert words[words.index("--spawn-rate") + 1] == "7"
    assert words[-2:] == ["--stop-timeout", "9"]
    assert "--processes" not in words


def test_several_workers_run_distributed_on_loopback() -> None:
    words = argv(Load(locustfile=Path("/x/l.py"), workers=3), host="http://h:1", max_run_s=1)
    assert words[words.index("--processes") + 1] == "3"
    assert words[words.index("--master-bind-host") + 1] == "127.0.0.1"
    assert words[words.index("--master-port") + 1] == words[words.index("--master-bind-port") + 1] != "5557"


def test_the_environment_has_the_pace_and_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAKDRILL_TOKEN", "secret")
    spec = Load.model_validate({"locustfile": "l.py", "users": 10, "rate": "40/s", "env": {"A": "1"}})
    env = environment(spec, counts=Path("/c"), status_fd=3, run_id="r1")
    assert "LEAKDRILL_TOKEN" not in env
    assert env["LEAKDRILL_LOAD_PERIOD_S"] == "0.25"
    assert (env["A"], env["LEAKDRILL_RUN_ID"], env["LEAKDRILL_LOAD_STATUS_FD"]) == ("1", "r1", "3")
