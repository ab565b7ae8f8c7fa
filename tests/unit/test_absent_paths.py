"""Paths of a plan that the service does not have are found before the load, and nothing is changed for it."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from test_plan_check import SCENARIO, plan

from leakdrill.errors import EnvironmentProblem
from leakdrill.machine.http_access import ANYONE
from leakdrill.runs.drill.absent_paths import absent_paths
from leakdrill.scenario.reader import read_scenario

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SWITCHED = """\
leaks:
  - name: cache
    switch:
      on: {path: /flags, body: {leak: true}}
      off: {path: /flags, body: {leak: false}}
"""


class Service(BaseHTTPRequestHandler):
    """A service that knows some methods on some paths, and notes what it was asked."""

    knows: ClassVar[dict[tuple[str, str], int]] = {}
    asked: ClassVar[list[tuple[str, str]]] = []

    def answer(self) -> None:
        self.asked.append((self.command, self.path))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(self.knows.get((self.command, self.path), 404))
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_OPTIONS = do_HEAD = do_POST = answer  # noqa: N815 - names that the base class looks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Target:
    token = ""
    access = ANYONE

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(Service, "knows", {})
    monkeypatch.setattr(Service, "asked", [])
    with HTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Target(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


def found(tmp_path: Path, target: Any, text: str) -> list[str]:
    path = plan(tmp_path, text)
    return absent_paths(path, read_scenario(path), target)


def test_a_switch_that_is_not_there_ends_the_drill(tmp_path: Path, target: Any) -> None:
    with pytest.raises(EnvironmentProblem, match=r"plan\.yaml:17: .*off.path: POST /flags: the service answers 404"):
        found(tmp_path, target, SCENARIO + SWITCHED)


def test_a_default_switch_that_is_not_there_is_named_by_its_leak(tmp_path: Path, target: Any) -> None:
    with pytest.raises(EnvironmentProblem, match=r"plan\.yaml:13: .*POST /admin/leaks: the service answers 404"):
        found(tmp_path, target, SCENARIO + "leaks: [{name: cache}]\n")


@pytest.mark.parametrize("status", [200, 204, 405, 501])
def test_a_service_that_answers_is_not_switched(tmp_path: Path, target: Any, status: int) -> None:
    Service.knows.update({("OPTIONS", "/flags"): status, ("OPTIONS", "/admin/gc"): status})
    assert found(tmp_path, target, SCENARIO + SWITCHED) == []
    assert {method for method, _ in Service.asked} == {"OPTIONS"}


def test_a_service_that_knows_its_own_methods_alone_is_not_blamed(tmp_path: Path, target: Any) -> None:
    Service.knows["POST", "/flags"] = 200
    (remark,) = found(tmp_path, target, SCENARIO + SWITCHED)
    assert remark.endswith("plan.yaml:12: steps[0].gc: /admin/gc may not be there: the service answers 404 to OPTIONS")


def test_one_request_that_switches_both_ways_is_not_sent(tmp_path: Path, target: Any) -> None:
    toggle = SWITCHED.replace("{path: /flags, body: {leak: true}}", "{path: /toggle}").replace(
        "{path: /flags, body: {leak: false}}", "{path: /toggle}"
    )
    found(tmp_path, target, SCENARIO + toggle)
    assert ("POST", "/toggle") not in Service.asked


def test_a_step_that_reads_is_asked_for_with_head(tmp_path: Path, target: Any) -> None:
    reads = SCENARIO.replace("gc: {}", "http: {method: GET, path: /flush}")
    (remark,) = found(tmp_path, target, reads)
    assert remark.endswith("/flush may not be there: the service answers 404 to HEAD")
    assert Service.asked == [("HEAD", "/flush")]


def test_a_service_that_does_not_answer_is_not_blamed(tmp_path: Path) -> None:
    assert found(tmp_path, Target("http://127.0.0.1:9"), SCENARIO + SWITCHED) == []
