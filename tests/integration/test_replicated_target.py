"""Several processes as one target: they share one address and its requests, and each has limits of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from leakdrill.errors import BadInput, TargetNotReady
from leakdrill.meters.meter import Closable
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.scenario.target import ProcessTarget
from leakdrill.targets.base.capabilities import (
    Configurable,
    Executable,
    Limitable,
    Logged,
    Renewing,
    Restartable,
    Scalable,
    SelfReplacing,
    Target,
)
from leakdrill.targets.kinds import capability
from leakdrill.targets.process.target import LocalProcess
from leakdrill.targets.replicated.target import ReplicatedTarget

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

SERVICE = """
import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = f"{os.getpid()} {os.environ.get('COLOUR', '')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def target(tmp_path: Path) -> Iterator[ReplicatedTarget]:
    (tmp_path / "service.py").write_text(SERVICE)
    command = ["{python}", "{scenario_dir}/service.py", "{port}"]
    recorder, journal = Recorder(tmp_path / "history.jsonl"), Journal(tmp_path / "journal.jsonl")
    made = ReplicatedTarget(
        LocalProcess,
        ProcessTarget.model_validate({"name": "tiny", "command": command, "limits": {"memory": "64MiB"}}),
        scenario_dir=tmp_path,
        run_dir=tmp_path,
        run_id=f"test-{tmp_path.name}".lower(),
        recorder=recorder,
        journal=journal,
        token="of this run",  # noqa: S106 - nobody asks for it
    )
    made.start()
    yield made
    made.stop()
    assert journal.pending() == []
    recorder.close()
    journal.close()


def answer(url: str) -> str:
    return httpx.get(url, timeout=30, trust_env=False).text


def answering(target: ReplicatedTarget, connections: int = 6) -> set[str]:
    """Who answers on so many connections that are open at once."""
    clients = [httpx.Client(trust_env=False, timeout=30) for _ in range(connections)]
    try:
        return {client.get(target.base_url).text for client in clients}
    finally:
        for client in clients:
            client.close()


def test_it_can_do_what_a_process_can_and_be_scaled(target: ReplicatedTarget) -> None:
    for ability in (Target, Restartable, Logged, Executable, Limitable, Configurable, Renewing, Scalable):
        assert isinstance(target, ability)


def test_more_replicas_share_the_connections_and_fewer_lose_none(target: ReplicatedTarget) -> None:
    alone = answering(target)
    assert len(alone) == 1
    target.scale(3)
    three = {answer(url) for url in target.replica_urls()}
    assert alone < three
    assert answering(target) == three
    with httpx.Client(trust_env=False, timeout=30) as kept:
        assert kept.get(target.base_url).text in three
        target.scale(1)
        assert answering(target) == alone
        assert kept.get(target.base_url).text in alone, "its replica went, and its next request was lost"


def test_each_replica_has_the_limits_and_the_sum_is_read(target: ReplicatedTarget) -> None:
    target.scale(2)
    target.set_limits(memory_bytes=48 << 20, cpus=None)
    meters = {(meter.event.source, meter.event.event_name): meter for meter in target.meters()}
    if ("cgroup", "resources") in meters:  # not every machine gives a process a group of its own
        reading = meters["cgroup", "resources"].read()
        assert reading is not None
        assert reading["limit_bytes"] == 2 * (48 << 20)
    tree = meters["process", "tree"].read()
    assert tree is not None
    assert tree["processes"] == 2
    for meter in meters.values():
        if isinstance(meter, Closable):
            meter.close()


def test_one_that_comes_later_is_as_the_others_are_by_then(target: ReplicatedTarget) -> None:
    target.set_env({"COLOUR": "blue"})
    target.scale(2)
    assert [answer(url).split()[1:] for url in target.replica_urls()] == [["blue"], ["blue"]]


def test_a_replica_that_does_not_come_up_leaves_those_that_serve(target: ReplicatedTarget, tmp_path: Path) -> None:
    before = answering(target)
    (tmp_path / "service.py").write_text("raise SystemExit('no')")
    with pytest.raises(TargetNotReady):
        target.scale(2)
    assert answering(target) == before
    assert len(target.replica_urls()) == 1


def test_nobody_puts_others_in_the_place_of_those_that_are_deleted(target: ReplicatedTarget) -> None:
    with pytest.raises(BadInput, match="does not support the step delete_pod; expected kubernetes"):
        capability(target, SelfReplacing, step="delete_pod")
