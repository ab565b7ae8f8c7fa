"""A server of the drill's own that ends unasked is in the record; one that the drill stops is not."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from leakdrill.alerting.alertmanager import AlertmanagerServer
from leakdrill.alerting.prometheus import PrometheusServer
from leakdrill.alerting.routing import default_routing
from leakdrill.record.events import AlertmanagerExited, PrometheusExited
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

Running = tuple[AlertmanagerServer | PrometheusServer, type[AlertmanagerExited | PrometheusExited]]


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    made = Recorder(tmp_path / "history.jsonl")
    yield made
    made.close()


def alertmanager(folder: Path, recorder: Recorder, journal: Journal) -> AlertmanagerServer:
    routing = default_routing(scale=1.0, webhook_url="http://127.0.0.1:9")
    return AlertmanagerServer(folder, recorder, journal, run_id="run-1", routing=routing)


def prometheus(folder: Path, recorder: Recorder, journal: Journal) -> PrometheusServer:
    return PrometheusServer(folder, recorder, journal, run_id="run-1", scrape_targets=[], rules_files=[])


@pytest.fixture(
    params=[(alertmanager, AlertmanagerExited), (prometheus, PrometheusExited)], ids=["alertmanager", "prometheus"]
)
def server(request: pytest.FixtureRequest, tmp_path: Path, recorder: Recorder) -> Iterator[Running]:
    make, event_class = request.param
    journal = Journal(tmp_path / "journal.jsonl")
    started = make(tmp_path, recorder, journal)
    started.start()
    yield (started, event_class)
    started.stop()
    journal.close()


def test_a_server_that_is_killed_is_recorded_with_its_signal(server: Running, recorder: Recorder) -> None:
    process, event_class = server
    os.kill(process.pid, signal.SIGKILL)
    (ended,) = wait_for(lambda: recorder.history().of(event_class), what="the end in the record", timeout_s=30)
    assert ended.exit_code == -signal.SIGKILL
    process.stop()
    assert len(recorder.history().of(event_class)) == 1


def test_a_server_that_is_killed_just_before_it_is_stopped_is_recorded(server: Running, recorder: Recorder) -> None:
    process, event_class = server
    os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: not process.alive(), what="its end", timeout_s=30)
    process.stop()
    assert len(recorder.history().of(event_class)) == 1


def test_a_server_that_is_stopped_is_not_recorded_as_ended(server: Running, recorder: Recorder) -> None:
    process, event_class = server
    process.stop()
    assert recorder.history().of(event_class) == []
