"""Workers that share nothing with the master but the network: exact counts, users that move, and losses that show."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from local_workers import LocalWorkers
from watched_server import WatchedServer

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.load import remote_workers
from leakdrill.load.locust import LocustLoad
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.record.stored_journal import read_journal
from leakdrill.scenario.load import Load
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from leakdrill.load.workers import WorkerPlan

pytestmark = [pytest.mark.integration, pytest.mark.long]

LOCUSTFILE = """
from locust import {user}, constant, task
from paths import PATH
class Visitor({user}):
    wait_time = constant(0.05)
    @task
    def visit(self):
        self.client.get(PATH)
"""


@pytest.fixture
def servers() -> Iterator[list[WatchedServer]]:
    """Two targets, as a workload has two pods."""
    started = [WatchedServer().__enter__() for _ in range(2)]
    threads = [threading.Thread(target=s.serve_forever, kwargs={"poll_interval": 0.05}) for s in started]
    for thread in threads:
        thread.start()
    yield started
    for server, thread in zip(started, threads, strict=True):
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path / "history.jsonl")
    yield recorder
    recorder.close()


@pytest.fixture
def load_in(tmp_path: Path, recorder: Recorder) -> Iterator[Callable[..., LocustLoad]]:
    """Makes loads whose workers run in a place of their own; stops them, and demands that the journal is empty."""
    journal = Journal(tmp_path / "journal.jsonl")
    loads: list[LocustLoad] = []

    def make(place: LocalWorkers, *, user: str = "HttpUser", **spec: object) -> LocustLoad:
        folder = tmp_path / "files"
        folder.mkdir()
        (folder / "locustfile.py").write_text(LOCUSTFILE.format(user=user))
        (folder / "paths.py").write_text('PATH = "/visit"\n')
        load = LocustLoad(
            Load.model_validate({"locustfile": folder / "locustfile.py", "users": 4, "workers": 2, **spec}),
            host="http://127.0.0.1:9",
            run_dir=tmp_path,
            run_id="test-run",
            recorder=recorder,
            journal=journal,
            max_run_s=170,
            place=place,
        )
        loads.append(load)
        return load

    yield make
    for load in loads:
        load.stop()
    journal.close()
    assert read_journal(tmp_path / "journal.jsonl") == []


def of_load(recorder: Recorder, name: str) -> list[object]:
    return [e.value for e in recorder.history() if e.source == "load" and e.name == name]


@pytest.mark.parametrize("user", ["HttpUser", "FastHttpUser"])
def test_every_request_is_counted_and_users_go_where_the_target_is(
    servers: list[WatchedServer], load_in: Callable[..., LocustLoad], recorder: Recorder, tmp_path: Path, user: str
) -> None:
    """Two addresses share the load; when one goes its users move to the other; and no request is lost count of."""
    first, second = servers
    place = LocalWorkers(tmp_path / "elsewhere", first.url, second.url)
    load = load_in(place, user=user, rate="60/s")
    load.start()
    load.wait_first_request(60)
    wait_for(lambda: min(len(s.arrivals) for s in servers) > 30, what="thirty requests at each", timeout_s=60)
    shares = [len(s.arrivals) for s in servers]
    place.now = [second.url]
    wait_for(lambda: is_left(first), what="that nobody asks the first any more", timeout_s=60)
    alone = len(second.arrivals)
    wait_for(lambda: len(second.arrivals) > alone + 30, what="thirty more at the second", timeout_s=60)
    load.stop()
    assert load.requests() == len(first.arrivals) + len(second.arrivals)
    assert min(shares) > max(shares) / 2
    assert {a.path for s in servers for a in s.arrivals} == {"/visit"}
    assert max(value["workers"] for value in of_load(recorder, "requests") if isinstance(value, dict)) == 2
    assert not of_load(recorder, "worker_lost")
    assert not of_load(recorder, "errors")
    assert (tmp_path / "load-worker-2.log").read_text()


def is_left(server: WatchedServer) -> bool:
    """Whether it gets no request for half a second."""
    before = len(server.arrivals)
    time.sleep(0.5)
    return len(server.arrivals) == before


def test_a_target_that_leaves_unannounced_costs_each_user_one_request(
    servers: list[WatchedServer], load_in: Callable[..., LocustLoad], recorder: Recorder, tmp_path: Path
) -> None:
    """Nobody says that an address is gone: its users fail once a second at most, and meanwhile go to the other one."""
    there = servers[0]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{taken.getsockname()[1]}"
        load = load_in(LocalWorkers(tmp_path / "elsewhere", there.url, gone), rate="60/s")
        load.start()
        load.wait_first_request(60)
        wait_for(lambda: len(there.arrivals) > 150, what="a hundred and fifty requests", timeout_s=60)
        load.stop()
    last = of_load(recorder, "requests")[-1]
    assert isinstance(last, dict)
    assert 0 < last["failures"] < last["requests"] / 4


def test_a_worker_that_dies_is_lost_and_its_end_is_recorded(
    servers: list[WatchedServer], load_in: Callable[..., LocustLoad], recorder: Recorder, tmp_path: Path
) -> None:
    """Nothing takes its place; the record says that one of two is missing, and at the end how it ended."""
    place = LocalWorkers(tmp_path / "elsewhere", servers[0].url)
    load = load_in(place)
    load.start()
    load.wait_first_request(60)
    place.processes[0].kill()
    wait_for(lambda: bool(of_load(recorder, "worker_lost")), what="the loss", timeout_s=60)
    assert load.alive()
    load.stop()
    assert of_load(recorder, "worker_lost") == [1]
    assert of_load(recorder, "worker_ended") == ["ended with -9"]


def test_workers_that_never_reach_the_master_are_one_clear_message(
    servers: list[WatchedServer],
    load_in: Callable[..., LocustLoad],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It names the address, how many came, what each does, and what to change."""

    class Deaf(LocalWorkers):
        """Workers that look for the master where nobody listens."""

        def start(self, plan: WorkerPlan) -> None:
            where = list(plan.command)
            where[where.index("--master-port") + 1] = "9"
            super().start(replace(plan, command=where))

    monkeypatch.setattr(remote_workers, "CONNECT_TIMEOUT_S", 3.0)
    load = load_in(Deaf(tmp_path / "elsewhere", servers[0].url))
    with pytest.raises(
        EnvironmentProblem, match=r"0 of 2 workers reached Locust's master at 127\.0\.0\.1:\d+ within 3 s"
    ) as e:
        load.start()
    assert "worker 1: runs" in e.value.message
    assert "load.master_host" in e.value.hint


def test_a_worker_that_cannot_start_is_reported_at_once_with_its_last_log_lines(
    servers: list[WatchedServer], load_in: Callable[..., LocustLoad], tmp_path: Path
) -> None:
    load = load_in(LocalWorkers(tmp_path / "elsewhere", servers[0].url), args=["--no-such-argument"])
    with pytest.raises((EnvironmentProblem, BadInput), match="no-such-argument"):
        load.start()


def test_an_address_of_another_machine_is_refused(
    servers: list[WatchedServer], load_in: Callable[..., LocustLoad], tmp_path: Path
) -> None:
    load = load_in(LocalWorkers(tmp_path / "elsewhere", servers[0].url), master_host="192.0.2.77")
    with pytest.raises(BadInput, match=r"load\.master_host: nothing can listen on 192\.0\.2\.77"):
        load.start()
