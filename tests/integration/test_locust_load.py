"""A real Locust against a server of the standard library."""

from __future__ import annotations

import csv
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import psutil
import pytest

from leakdrill.errors import BadInput, ComponentDied
from leakdrill.load.locust import LocustLoad
from leakdrill.machine.session import kill_session, members
from leakdrill.record.events import LoadExited
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.record.stored_journal import read_journal
from leakdrill.scenario.load import Load
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.long]

LOCUSTFILE = """
from locust import HttpUser, constant, task
class Visitor(HttpUser):
    wait_time = constant(0.05)
    @task
    def visit(self):
        self.client.get("/")
"""


class CountingServer(ThreadingHTTPServer):
    """Answers 200 to everything and counts what it answered."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.answered = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, CountingServer)
        with server.lock:
            server.answered += 1
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
        pass


@pytest.fixture
def server() -> Iterator[CountingServer]:
    with CountingServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path / "history.jsonl")
    yield recorder
    recorder.close()


@pytest.fixture
def load_of(tmp_path: Path, recorder: Recorder) -> Iterator[Callable[..., LocustLoad]]:
    """Makes loads of one locustfile; stops them, and demands that nothing of them is left."""
    journal = Journal(tmp_path / "journal.jsonl")
    loads: list[LocustLoad] = []

    def make(url: str, *, text: str = LOCUSTFILE, max_run_s: float = 170, **spec: object) -> LocustLoad:
        locustfile = tmp_path / "locustfile.py"
        locustfile.write_text(text)
        load = LocustLoad(
            Load.model_validate({"locustfile": locustfile, "users": 4, **spec}),
            host=url,
            run_dir=tmp_path,
            run_id="test-run",
            recorder=recorder,
            journal=journal,
            max_run_s=max_run_s,
        )
        loads.append(load)
        return load

    yield make
    for load in loads:
        load.stop()
    journal.close()
    assert read_journal(tmp_path / "journal.jsonl") == []
    assert not (tmp_path / "load-counts").exists()


def samples(recorder: Recorder, name: str) -> list[dict[str, float]]:
    return [e.value for e in recorder.history() if e.source == "load" and e.name == name and isinstance(e.value, dict)]


def pid_in_journal(tmp_path: Path) -> int:
    return next(int(e.data["pid"]) for e in read_journal(tmp_path / "journal.jsonl"))


@pytest.mark.parametrize("workers", [1, 2])
def test_counts_exactly_what_the_server_answered(
    server: CountingServer, load_of: Callable[..., LocustLoad], recorder: Recorder, tmp_path: Path, workers: int
) -> None:
    """With one process and with two, the last sample, the table and the server agree to the request."""
    load = load_of(server.url, workers=workers)
    load.start()
    load.wait_first_request(60)
    wait_for(
        lambda: load.requests() > 50 and any(s["workers"] == workers for s in samples(recorder, "requests")[1:]),
        what="fifty requests and a sample from all workers",
        timeout_s=60,
    )
    pid = pid_in_journal(tmp_path)
    assert load.alive()
    load.stop()
    assert load.requests() == server.answered > 50
    last = samples(recorder, "requests")[-1]
    assert last["requests"] == server.answered
    assert last["failures"] == 0
    assert {"rps", "fail_per_s", "p50_ms", "p95_ms", "p99_ms", "users", "workers"} <= set(
        samples(recorder, "requests")[1]
    )
    assert max(s["workers"] for s in samples(recorder, "requests")) == workers
    with (tmp_path / "load.csv").open() as file:
        assert int(list(csv.DictReader(file))[-1]["requests"]) == server.answered
    assert not load.alive()
    assert members(pid) == []
    assert not [e for e in recorder.history() if e.name in ("exited", "worker_lost", "errors")]


class _Dropping(_Answer):
    """Hangs up on every third request that it reads, and closes every fifth connection after its response."""

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, CountingServer)
        with server.lock:
            number = server.arrived = getattr(server, "arrived", 0) + 1
            server.dropped = getattr(server, "dropped", 0) + (number % 3 == 0)
        if number % 3 == 0:
            self.close_connection = True
            return
        super().do_GET()
        self.close_connection = number % 5 == 0

    do_PUT = do_DELETE = do_GET  # noqa: N815 - as the standard library calls them


@pytest.mark.parametrize("user", ["FastHttpUser", "HttpUser"])
def test_a_request_that_the_service_drops_is_sent_once_and_has_failed(
    server: CountingServer, load_of: Callable[..., LocustLoad], recorder: Recorder, user: str
) -> None:
    server.RequestHandlerClass = _Dropping
    tasks = "for ask in (self.client.get, self.client.put, self.client.delete): ask('/')"
    text = LOCUSTFILE.replace("HttpUser", user).replace('self.client.get("/")', tasks)
    load = load_of(server.url, text=text)
    load.start()
    wait_for(lambda: load.requests() > 100, what="a hundred requests", timeout_s=60)
    load.stop()
    last = samples(recorder, "requests")[-1]
    at_the_end = last["requests"] - server.arrived  # a user may be stopped before its last request has left
    assert 0 <= at_the_end <= 2
    assert last["failures"] == server.dropped + at_the_end > 20


def test_keeps_the_rate_that_the_scenario_asks_for(
    server: CountingServer, load_of: Callable[..., LocustLoad], recorder: Recorder
) -> None:
    """60/s from 6 users stays within 10 %, whatever wait times the locustfile has.

    A machine that is busy with something else may hold the load up, so the first four seconds uninterruptible decide.
    """
    load = load_of(server.url, users=6, rate="60/s")
    load.start()
    load.wait_first_request(60)
    wait_for(lambda: rate_over(load, 4) == pytest.approx(60, rel=0.1), what="the rate", timeout_s=60, every_s=0)
    load.stop()
    assert samples(recorder, "requests")


def rate_over(load: LocustLoad, seconds: float) -> float:
    """Requests a second that are served from now on for so long."""
    before, began = load.requests(), time.monotonic()
    time.sleep(seconds)
    return (load.requests() - before) / (time.monotonic() - began)


def test_a_locust_that_dies_is_recorded(
    server: CountingServer, load_of: Callable[..., LocustLoad], recorder: Recorder, tmp_path: Path
) -> None:
    """Killed from outside, it is no longer alive and the record says so once, with the return code."""
    load = load_of(server.url)
    load.start()
    load.wait_first_request(60)
    os.kill(pid_in_journal(tmp_path), signal.SIGKILL)
    wait_for(lambda: any(e.name == "exited" for e in recorder.history()), what="the record", timeout_s=60)
    load.stop()
    assert not load.alive()
    assert [e.value for e in recorder.history() if e.name == "exited"] == [-signal.SIGKILL]
    under_way = server.answered - load.requests()
    assert 0 <= under_way <= 4  # at the kill, one for each user at most: answered, and never received


ENDINGS = {
    "its load shape Stages was over": """
from locust import LoadTestShape
class Stages(LoadTestShape):
    def tick(self):
        return (4, 4) if self.get_run_time() < 1.5 else None
""",
    "the locustfile had it quit (locustfile.py:": """
import gevent
from locust import events
@events.test_start.add_listener
def begin(environment, **_):
    gevent.spawn_later(1.5, lambda: environment.runner.quit())
""",
}


@pytest.mark.long
@pytest.mark.parametrize("reason", ENDINGS)
def test_what_ends_the_load_is_told(
    server: CountingServer, load_of: Callable[..., LocustLoad], recorder: Recorder, reason: str
) -> None:
    load = load_of(server.url, text=LOCUSTFILE + ENDINGS[reason])
    load.start()
    wait_for(lambda: recorder.history().of(LoadExited), what="Locust's end", timeout_s=30)
    (ended,) = recorder.history().of(LoadExited)
    assert ended.reason.startswith(reason)


def test_a_lost_worker_is_recorded_and_killed_masters_leave_nobody(
    server: CountingServer, load_of: Callable[..., LocustLoad], recorder: Recorder, tmp_path: Path
) -> None:
    """One of two workers dies: the record says so. Then the master dies: stop ends the other worker too."""
    load = load_of(server.url, workers=2)
    load.start()
    load.wait_first_request(60)
    leader = pid_in_journal(tmp_path)
    wait_for(lambda: len(members(leader)) == 3, what="two workers", timeout_s=60)
    worker = next(p for p in members(leader) if p.pid != leader)
    worker.kill()
    wait_for(lambda: any(e.name == "worker_lost" for e in recorder.history()), what="the loss", timeout_s=60)
    assert load.alive()
    psutil.Process(leader).kill()
    wait_for(lambda: not load.alive(), what="the end", timeout_s=60)
    load.stop()
    assert members(leader) == []


def test_a_broken_locustfile_is_bad_input(load_of: Callable[..., LocustLoad], tmp_path: Path) -> None:
    """The error names the file and repeats what Python said."""
    load = load_of("http://127.0.0.1:9", text="import no_such_module_here\n")
    with pytest.raises(BadInput, match="no_such_module_here") as caught:
        load.start()
    assert str(tmp_path / "locustfile.py") in str(caught.value)
    assert not load.alive()


def test_a_target_that_is_not_there_is_reported(load_of: Callable[..., LocustLoad], recorder: Recorder) -> None:
    """Every request refused: the error is recorded, none counts as answered, and waiting for one fails."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        load = load_of(f"http://127.0.0.1:{taken.getsockname()[1]}")
        load.start()
        wait_for(lambda: any(e.name == "errors" for e in recorder.history()), what="the error", timeout_s=60)
        with pytest.raises(ComponentDied, match=r"none answered.*refused"):
            load.wait_first_request(1)
        load.stop()
    assert load.requests() == 0
    errors = [e for e in recorder.history() if e.name == "errors"]
    assert errors
    assert "refused" in errors[-1].labels["error"]
    assert samples(recorder, "requests")[-1]["failures"] > 0


def test_locust_never_sees_the_token(
    server: CountingServer, load_of: Callable[..., LocustLoad], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A locustfile that would fail if it found the run's token loads well."""
    monkeypatch.setenv("LEAKDRILL_TOKEN", "secret")
    text = "import os\nassert 'LEAKDRILL_TOKEN' not in os.environ\nassert os.environ['MINE'] == '1'\n" + LOCUSTFILE
    load = load_of(server.url, text=text, env={"MINE": "1"})
    load.start()
    load.wait_first_request(60)


@pytest.fixture
def ignored_interrupt() -> Iterator[None]:
    """We ignore SIGINT, as everything does that a shell starts in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ignored_interrupt")
def test_locust_can_be_interrupted_though_we_ignore_it(
    server: CountingServer, load_of: Callable[..., LocustLoad]
) -> None:
    """The workers as well as the master: they are forks of it."""
    load = load_of(server.url, workers=2)
    load.start()
    load.wait_first_request(60)
    os.kill(load.pid, signal.SIGINT)
    wait_for(lambda: not load.alive(), what="Locust's end", timeout_s=20)
    load.stop()


def test_ends_by_itself_after_the_longest_run(
    server: CountingServer, load_of: Callable[..., LocustLoad], recorder: Recorder
) -> None:
    """Nobody stops it, and yet it ends, and says with which code."""
    load = load_of(server.url, max_run_s=2)
    load.start()
    wait_for(lambda: any(e.name == "exited" for e in recorder.history()), what="the end", timeout_s=60)
    assert [e.value for e in recorder.history() if e.name == "exited"] == [0]
    load.stop()
    assert load.requests() == server.answered


def test_workers_that_leave_when_the_time_is_over_are_not_lost(
    server: CountingServer, load_of: Callable[..., LocustLoad], recorder: Recorder
) -> None:
    """Two workers, tasks that take a while to end, and the longest run is over: nothing but the end is recorded."""
    text = LOCUSTFILE.replace('self.client.get("/")', 'self.client.get("/"); import time; time.sleep(1.5)')
    load = load_of(server.url, text=text, workers=2, max_run_s=3)
    load.start()
    wait_for(lambda: any(e.name == "exited" for e in recorder.history()), what="the end", timeout_s=60)
    load.stop()
    assert not [e for e in recorder.history() if e.name == "worker_lost"]


ORPHAN_MAKER = """
import os, signal, sys
from pathlib import Path
from leakdrill.record.journal import Journal
from leakdrill.load.locust import LocustLoad
from leakdrill.record.recorder import Recorder
from leakdrill.scenario.scenario import Load
folder = Path(sys.argv[1])
spec = Load.model_validate({"locustfile": folder / "locustfile.py", "users": 2, "workers": 2})
load = LocustLoad(
    spec, host=sys.argv[2], run_dir=folder, run_id="orphan", recorder=Recorder(folder / "history.jsonl"),
    journal=Journal(folder / "journal.jsonl"), max_run_s=60,
)
load.start()
load.wait_first_request(60)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_load_that_nobody_watches_any_more_ends(server: CountingServer, tmp_path: Path) -> None:
    """The harness is killed outright: Locust finds its pipe closed, and ends with its workers within seconds."""
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE)
    subprocess.run([sys.executable, "-c", ORPHAN_MAKER, str(tmp_path), server.url], check=False, timeout=120)
    leader = pid_in_journal(tmp_path)
    try:
        wait_for(lambda: not members(leader), what="Locust's end", timeout_s=60)
    finally:
        kill_session(leader)
    assert server.answered > 0


SHAPED = (
    LOCUSTFILE
    + """
from locust import LoadTestShape
class Stairs(LoadTestShape):
    def tick(self):
        return (2, 10) if self.get_run_time() < 60 else None
"""
)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_shape_and_a_rate_contradict_each_other(
    server: CountingServer, load_of: Callable[..., LocustLoad], workers: int
) -> None:
    with pytest.raises(BadInput, match=r"its LoadTestShape Stairs says how many users there are, and load\.rate"):
        load_of(server.url, text=SHAPED, rate="20/s", workers=workers).start()


def test_a_shape_rules_over_the_users_and_is_told(
    server: CountingServer, load_of: Callable[..., LocustLoad], recorder: Recorder
) -> None:
    load = load_of(server.url, text=SHAPED)
    load.start()
    load.wait_first_request(60)
    (notice,) = [e.value for e in recorder.history() if e.name == "notice"]
    assert notice == "the locustfile's LoadTestShape Stairs says how many users there are, not load.users"


@pytest.mark.long
def test_users_that_all_fail_before_their_first_request_are_told_at_once(
    server: CountingServer, load_of: Callable[..., LocustLoad]
) -> None:
    text = LOCUSTFILE + '    def on_start(self):\n        raise RuntimeError("no login")\n'
    load = load_of(server.url, text=text)
    load.start()
    began = time.monotonic()
    with pytest.raises(ComponentDied, match=r"no user of the load made a request.*no login") as caught:
        load.wait_first_request(60)
    assert time.monotonic() - began < 20
    assert "`on_start`" in caught.value.hint
