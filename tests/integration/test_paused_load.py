"""A real Locust that is paused, drained, resumed, recorded and replayed, against a server that remembers everything."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest
from watched_server import Arrival, WatchedServer

from leakdrill.errors import BadInput, ComponentDied, EnvironmentProblem
from leakdrill.load.corpus import read_corpus, replay_spec
from leakdrill.load.locust import LocustLoad
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.scenario.load import Load
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    MakeLoad = Callable[..., LocustLoad]

pytestmark = [pytest.mark.integration, pytest.mark.long]

HURRIED = """
from locust import FastHttpUser, task
class Hurried(FastHttpUser):
    def on_start(self):
        self.client.get("/login")
    @task
    def visit(self):
        self.client.get("/")
"""

PATIENT = """
from locust import HttpUser, constant, constant_pacing, task
class Patient(HttpUser):
    wait_time = WAIT
    @task
    def visit(self):
        self.client.get("/")
"""

NESTED = """
from locust import HttpUser, SequentialTaskSet, constant, task
class Nested(HttpUser):
    wait_time = constant(0.01)
    @task
    class Steps(SequentialTaskSet):
        @task
        def nothing(self):
            pass
        @task
        def one(self):
            self.client.get("/one")
        @task
        def three(self):
            for _ in range(3):
                self.client.get("/three")
"""

FAILING = """
from locust import HttpUser, FastHttpUser, constant, task
class Slow(HttpUser):
    wait_time = constant(0.01)
    @task
    def errors(self):
        self.client.get("/status/404")
        with self.client.get("/status/500", catch_response=True) as answer:
            answer.success()
        with self.client.get("/", catch_response=True) as answer:
            answer.failure("not what I wanted")
class Fast(FastHttpUser):
    wait_time = constant(0.01)
    tasks = Slow.tasks
"""

MIXED = """
import itertools
from locust import HttpUser, FastHttpUser, constant, task
numbers = itertools.count()
class Mixed(BASE):
    wait_time = constant(0.01)
    def on_start(self):
        self.client.get("/login")
    @task
    def store(self):
        self.client.post("/items?page=1&q=a%20b", json={"key": next(numbers)}, headers={"Authorization": "Bearer t"})
        self.client.post("/raw", data=bytes([0, 255, next(numbers) % 256]), params={"x": "1"})
        self.client.get("/status/404")
        self.client.get("http://127.0.0.1:9/elsewhere")
"""

NO_HTTP = """
from locust import User, constant, task
class Chat(User):
    wait_time = constant(0.01)
    @task
    def say(self):
        pass
"""

WEBSOCKET_LINE = """
        self.environment.events.request.fire(
            request_type="WSR", name="chat", response_time=1, response_length=0, exception=None, context={})
"""


@pytest.fixture
def server() -> Iterator[WatchedServer]:
    with WatchedServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.may_answer.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def load_of(tmp_path: Path, server: WatchedServer) -> Iterator[MakeLoad]:
    """Makes and starts loads on the server, and stops them."""
    recorder, journal = Recorder(tmp_path / "history.jsonl"), Journal(tmp_path / "journal.jsonl")
    loads: list[LocustLoad] = []

    def make(spec: Load, **options: Path) -> LocustLoad:
        load = LocustLoad(
            spec, host=server.url, run_dir=tmp_path, run_id="paused", recorder=recorder, journal=journal,
            max_run_s=170, **options,
        )  # fmt: skip
        loads.append(load)
        load.start()
        return load

    yield make
    for load in loads:
        load.stop()
    recorder.close()
    journal.close()


def more_arrive(server: WatchedServer, count: int) -> None:
    """Wait until so many more requests have come."""
    wanted = len(server.arrivals) + count
    wait_for(lambda: len(server.arrivals) >= wanted, what=f"{count} more requests", timeout_s=60)


def spec_of(tmp_path: Path, text: str, **fields: object) -> Load:
    locustfile = tmp_path / "locustfile.py"
    locustfile.write_text(text)
    return Load.model_validate({"locustfile": locustfile, "users": 4, **fields})


def test_nothing_arrives_between_drained_and_resume(server: WatchedServer, load_of: MakeLoad, tmp_path: Path) -> None:
    """Eight users without any wait time: five pauses, and after each the server is idle and stays so."""
    load = load_of(spec_of(tmp_path, HURRIED, users=8))
    load.wait_first_request(60)
    for _ in range(5):
        more_arrive(server, 8)
        assert not load.drained()
        load.pause()
        load.wait_drained(60)
        arrived = len(server.arrivals)
        assert server.in_flight == 0
        assert load.completed() == arrived
        time.sleep(0.2)
        assert load.drained()
        assert len(server.arrivals) == arrived
        load.resume()


def test_users_that_are_spawned_during_a_pause_wait_outside(
    server: WatchedServer, load_of: MakeLoad, tmp_path: Path
) -> None:
    """A slow ramp is paused: not even the on_start of a new user reaches the target; later they all come."""
    load = load_of(spec_of(tmp_path, HURRIED, users=6, spawn_rate=4))
    load.wait_first_request(60)
    load.pause()
    load.wait_drained(60)
    arrived = len(server.arrivals)
    time.sleep(1.6)
    assert load.drained()
    assert len(server.arrivals) == arrived
    load.resume()
    wait_for(lambda: logins(server) >= 6, what="every user", timeout_s=60)
    more_arrive(server, 12)
    assert logins(server) == 6


def logins(server: WatchedServer) -> int:
    return sum(arrival.path == "/login" for arrival in server.since(0))


@pytest.mark.parametrize("text", [HURRIED, PATIENT.replace("WAIT", "constant(0.01)")], ids=["fast", "requests"])
def test_a_slot_is_exactly_its_number_of_requests(
    server: WatchedServer, load_of: MakeLoad, tmp_path: Path, text: str
) -> None:
    """Slots of 1, 7 and 50 requests, from fewer to more than there are users."""
    load = load_of(spec_of(tmp_path, text, users=8))
    load.wait_first_request(60)
    load.pause()
    load.wait_drained(60)
    for wanted in (1, 7, 50, 1, 50):
        before = load.completed(), len(server.arrivals)
        load.resume(requests=wanted)
        load.wait_drained(60)
        assert (load.completed() - before[0], len(server.arrivals) - before[1]) == (wanted, wanted)


def test_a_slot_of_tasks_that_make_none_or_several_requests_ends_soon_after_its_number(
    server: WatchedServer, load_of: MakeLoad, tmp_path: Path
) -> None:
    """Nested task sets: never fewer than wanted, and over by at most what four users may still owe."""
    load = load_of(spec_of(tmp_path, NESTED))
    load.wait_first_request(60)
    load.pause()
    load.wait_drained(60)
    for wanted in (20, 33):
        before = load.completed()
        load.resume(requests=wanted)
        load.wait_drained(60)
        assert wanted <= load.completed() - before <= wanted + 4 * 2
        assert server.in_flight == 0


@pytest.mark.parametrize(
    ("text", "rate", "most_at_once"),
    [
        (PATIENT.replace("WAIT", "constant(0)"), "50/s", 6),
        (PATIENT.replace("WAIT", "constant_pacing(0.2)"), None, 10),
    ],
    ids=["rate", "constant_pacing"],
)
def test_a_pause_is_not_made_up_for(
    server: WatchedServer, load_of: MakeLoad, tmp_path: Path, text: str, rate: str | None, most_at_once: int
) -> None:
    """Ten users at 50/s: no burst follows a pause of 0.7 s, and the rate is the same again.

    At our own rate users are spread; Locust's constant_pacing has all ten march in step, pause or no pause. Made-up
    requests would follow every pause. A machine that is busy with something else may hold the load up now and then,
    which looks the same or like a lower rate: three pauses that nothing disturbed decide.
    """
    server.work_s = 0.0
    load = load_of(spec_of(tmp_path, text, users=10, rate=rate))
    load.wait_first_request(60)
    more_arrive(server, 30)
    calm = 0

    def three_calm_pauses() -> bool:
        nonlocal calm
        at_once, in_a_second = after_a_pause(server, load)
        calm += at_once <= most_at_once and in_a_second == pytest.approx(50, abs=8)
        return calm == 3

    wait_for(three_calm_pauses, what="three pauses without a burst, at the same rate again", timeout_s=60, every_s=0)


def after_a_pause(server: WatchedServer, load: LocustLoad) -> tuple[int, int]:
    """How many requests come within 0.05 s and within 1 s after a pause of 0.7 s."""
    load.pause()
    load.wait_drained(60)
    time.sleep(0.7)
    arrived, resumed_at = len(server.arrivals), time.monotonic()
    load.resume()
    time.sleep(1)
    times = [arrival.t - resumed_at for arrival in server.since(arrived)]
    return len([t for t in times if t < 0.05]), len([t for t in times if t < 1])


def test_error_statuses_are_completed_whatever_the_locustfile_calls_them(
    server: WatchedServer, load_of: MakeLoad, tmp_path: Path
) -> None:
    """404 as a failure, 500 as a success, 200 as a failure, from both clients: all completed, a third a success."""
    load = load_of(spec_of(tmp_path, FAILING))
    load.wait_first_request(60)
    more_arrive(server, 12)
    load.pause()
    load.wait_drained(60)
    assert load.completed() == len(server.arrivals) >= 12
    assert load.requests() == load.completed() / 3


def test_a_target_that_stalls_is_reported_and_a_dead_load_too(
    server: WatchedServer, load_of: MakeLoad, tmp_path: Path
) -> None:
    """Waiting for a request that takes too long names how many users are busy; a load that ended obeys no order."""
    server.may_answer.clear()
    load = load_of(spec_of(tmp_path, HURRIED, users=3))
    wait_for(lambda: server.in_flight == 3, what="a request of each user", timeout_s=60)
    load.pause()
    with pytest.raises(EnvironmentProblem, match="3 of 3 users"):
        load.wait_drained(1)
    server.may_answer.set()
    assert load.wait_drained(60) > 0.1
    load.stop()
    with pytest.raises(ComponentDied, match="when it was to resume"):
        load.resume()
    with pytest.raises(ComponentDied, match="come to rest"):
        load.drained()


def test_a_load_that_dies_before_it_is_drained_is_reported(
    server: WatchedServer, load_of: MakeLoad, tmp_path: Path
) -> None:
    """Killed with requests under way: whoever waits learns it at once, and not when the time is over."""
    server.may_answer.clear()
    load = load_of(spec_of(tmp_path, HURRIED))
    wait_for(lambda: server.in_flight == 4, what="a request of each user", timeout_s=60)
    load.pause()
    os.kill(load.pid, signal.SIGKILL)
    with pytest.raises(ComponentDied, match="come to rest"):  # not what a time-out gives
        load.wait_drained(100)


def test_several_workers_cannot_be_paused(load_of: MakeLoad, tmp_path: Path) -> None:
    load = load_of(spec_of(tmp_path, HURRIED, workers=2))
    with pytest.raises(BadInput, match=r"workers: 1"):
        load.pause()


def essence(arrival: Arrival) -> tuple[str, str, bytes, str | None, str | None, str | None]:
    names = ("Authorization", "Cookie", "Content-Type")
    return arrival.method, arrival.path, arrival.body, *(arrival.headers.get(name) for name in names)  # type: ignore[return-value]


@pytest.mark.parametrize("base", ["HttpUser", "FastHttpUser"])
def test_a_replay_sends_what_was_recorded_in_the_same_order_each_pass(
    server: WatchedServer, load_of: MakeLoad, tmp_path: Path, base: str
) -> None:
    """Login, JSON with a token, raw bytes and a 404: three passes are three times what was recorded, with cookies."""
    spec, corpus = spec_of(tmp_path, MIXED.replace("BASE", base), users=1), tmp_path / "corpus.jsonl"
    load = load_of(spec, record_corpus=corpus)
    load.wait_first_request(60)
    more_arrive(server, 12)
    load.pause()
    load.wait_drained(60)
    load.stop()
    recorded = [essence(arrival) for arrival in server.since(0)]
    assert len(read_corpus(corpus)) == len(recorded) > 8
    assert corpus.stat().st_mode & 0o077 == 0

    replay = replay_spec(spec, corpus, at_most=8)
    assert replay.pass_requests == 8
    before = len(server.arrivals)
    load = load_of(replay.load)
    load.wait_first_request(60)
    load.pause()
    load.wait_drained(60)
    load.resume(requests=3 * replay.pass_requests)
    load.wait_drained(60)
    sent = [essence(arrival) for arrival in server.since(before)]
    assert sent == (recorded[:8] * len(sent))[: len(sent)]
    assert load.requests() == load.completed() == len(sent) >= 24
    assert recorded[1][4] == "session=abc"
    assert recorded[2][2].startswith(b"\x00\xff")


def test_many_users_replay_whole_passes(server: WatchedServer, load_of: MakeLoad, tmp_path: Path) -> None:
    """Six users: whatever the order of arrival, two passes are each request twice."""
    spec, corpus = spec_of(tmp_path, MIXED.replace("BASE", "FastHttpUser"), users=6), tmp_path / "corpus.jsonl"
    load = load_of(spec, record_corpus=corpus)
    load.wait_first_request(60)
    more_arrive(server, 20)
    load.stop()
    replayed, requests = replay_spec(spec, corpus)
    load = load_of(replayed)
    load.wait_first_request(60)
    load.pause()
    load.wait_drained(60)
    before = len(server.arrivals)
    load.resume(requests=2 * requests)
    load.wait_drained(60)
    sent = sorted((a.method, a.path, a.body) for a in server.since(before))
    assert sent == sorted(2 * [(r.method, r.path, r.body) for r in read_corpus(corpus)])


def test_a_load_of_nothing_but_errors_has_begun(load_of: MakeLoad, tmp_path: Path) -> None:
    load = load_of(spec_of(tmp_path, HURRIED.replace('"/"', '"/status/500"').replace('"/login"', '"/status/404"')))
    load.wait_first_request(60)
    assert load.completed() > load.requests() == 0


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (WEBSOCKET_LINE, "WSR chat is no request"),
        ('self.client.post("/upload", data=iter([b"1"]))', "POST /upload sends a stream"),
    ],
    ids=["websocket", "stream"],
)
def test_a_load_that_cannot_be_sent_again_is_refused_when_the_corpus_is_used(
    server: WatchedServer, load_of: MakeLoad, tmp_path: Path, line: str, reason: str
) -> None:
    """Beside requests that could be replayed, one that cannot: part of the load is not passed off as all of it."""
    text = PATIENT.replace("WAIT", "constant(0.01)") + f"        {line}\n"
    spec, corpus = spec_of(tmp_path, text), tmp_path / "corpus.jsonl"
    load = load_of(spec, record_corpus=corpus)
    load.wait_first_request(60)
    more_arrive(server, 12)  # three for each of four users, so that one at least was through with its first task
    load.stop()
    with pytest.raises(BadInput, match=reason):
        replay_spec(spec, corpus)


def test_a_load_without_http_cannot_be_recorded(load_of: MakeLoad, tmp_path: Path) -> None:
    """The refusal comes at the start, and names the user class."""
    with pytest.raises(BadInput, match=r"corpus: closed.*Chat has no HTTP client"):
        load_of(spec_of(tmp_path, NO_HTTP), record_corpus=tmp_path / "corpus.jsonl")
