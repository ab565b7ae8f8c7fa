"""The gateway as a process: its leaks grow as declared, their twins do not, and only the cure cures."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from leaking_service import answers

from leakdrill.machine.http_access import ANYONE, Access
from leakdrill.machine.ports import free_port
from leakdrill.scenario.leaks import Leak
from leakdrill.scenario.steps import Step
from leakdrill.steps.step import StepFailed, carry_out
from leakdrill.steps.switch import switch
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

TOKEN = "the-token"  # noqa: S105 - of a service that lives for a test
KEYS = itertools.count()


@dataclass
class Service:
    """A running gateway; enough of a target for HTTP steps."""

    client: httpx.Client
    base_url: str
    token: str = TOKEN
    name: str = "gateway"
    parts: tuple[()] = ()
    access: Access = ANYONE

    def predict(self, count: int) -> None:
        for _ in range(count):
            key = str(next(KEYS))
            self.client.post("/predict", json={"data": [[1, 2, 3]], "key": key}).raise_for_status()

    def memory(self) -> dict[str, Any]:
        facts: dict[str, Any] = self.client.get("/debug/memory").json()
        return facts

    def growth(self, field: str, requests: int) -> float:
        before = self.memory()[field]
        self.predict(requests)
        return float(self.memory()[field] - before) / requests

    def leak(self, name: str, *, on: bool) -> None:
        switch(Leak.model_validate({"name": name, "per_request": "64KiB"}), self, on=on)  # type: ignore[arg-type]

    def step(self, **action: object) -> dict[str, str]:
        return carry_out(Step.model_validate({"name": "a step", **action}), self)  # type: ignore[arg-type]


@contextlib.contextmanager
def running(disk: Path, token: str = TOKEN) -> Iterator[Service]:
    port = free_port()
    env = {**os.environ, "LEAKDRILL_DISK": str(disk), "LEAKDRILL_TOKEN": token}
    command = [sys.executable, "-m", "leaky_apps.gateway", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with (
        subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process,
        httpx.Client(base_url=url, trust_env=False, timeout=60) as client,
    ):
        try:
            wait_for(lambda: answers(client), what="the gateway", timeout_s=60)
            yield Service(client, url)
        finally:
            process.terminate()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as service:
        yield service


def test_the_cache_grows_as_declared_and_only_clearing_it_cures(gateway: Service) -> None:
    """Twin flat; leak within 10 % of 64 KiB; switched off flat; gc releases nothing; clear-cache releases it."""
    gateway.predict(150)
    # A reserve of the allocator is taken once; what leaks grows every time.
    assert min(gateway.growth("rss_anon_bytes", 200) for _ in range(3)) < 2048
    level = gateway.memory()["rss_anon_bytes"]
    gateway.leak("unbounded-cache", on=True)
    assert gateway.growth("rss_anon_bytes", 400) == pytest.approx(65536, rel=0.1)
    gateway.leak("unbounded-cache", on=False)
    assert abs(gateway.growth("rss_anon_bytes", 100)) < 6554
    leaked = gateway.memory()["rss_anon_bytes"]
    gateway.step(gc={})
    assert gateway.memory()["rss_anon_bytes"] > leaked - 1_000_000
    assert '"entries_cleared":464' in gateway.step(http={"path": "/admin/clear-cache"})["answer"].replace(" ", "")
    gateway.predict(64)
    assert gateway.memory()["rss_anon_bytes"] < level * 1.1


def test_the_log_grows_as_declared_and_its_twin_by_a_line(gateway: Service) -> None:
    """Twin about 120 bytes a request; flood within 10 % of 32 KiB."""
    assert 90 < gateway.growth("log_bytes", 50) < 150
    gateway.leak("log-flood", on=True)
    assert gateway.growth("log_bytes", 100) == pytest.approx(32768, rel=0.1)
    gateway.leak("log-flood", on=False)
    assert gateway.growth("log_bytes", 50) < 150


def test_admin_needs_the_token(gateway: Service) -> None:
    """No token and a wrong token are 401; a step with a wrong token fails and says so."""
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
        assert gateway.client.post("/admin/clear-cache", headers=headers).status_code == 401
    gateway.token = "wrong"  # noqa: S105 - wrong on purpose
    with pytest.raises(StepFailed, match="answered 401; expected 200"):
        gateway.leak("unbounded-cache", on=True)


def test_without_a_token_admin_is_off(tmp_path: Path) -> None:
    """403, and the answer says how to turn it on."""
    with running(tmp_path, token="") as gateway:
        answer = gateway.client.post("/admin/gc", headers={"Authorization": "Bearer x"})
        assert answer.status_code == 403
        assert "LEAKDRILL_TOKEN" in answer.json()["error"]


def test_a_full_disk_costs_log_lines_and_no_request(tmp_path: Path) -> None:
    """With the log on a device that is always full, every request is answered and every failed write counted."""
    (tmp_path / "gateway.log").symlink_to("/dev/full")
    with running(tmp_path) as gateway:
        gateway.leak("log-flood", on=True)
        gateway.predict(20)
        assert "log_write_errors_total 20.0" in gateway.client.get("/metrics").text


def test_degraded_mode_sheds_the_share_asked_for(gateway: Service) -> None:
    """Half of the requests get 503 with Retry-After, until the mode is normal again."""
    gateway.step(http={"path": "/admin/mode", "body": {"mode": "degraded", "accept_rate": 0.5}})
    body = {"data": [[1.0]], "key": "k"}
    answers = [gateway.client.post("/predict", json=body) for _ in range(20)]
    refused = [a for a in answers if a.status_code == 503]
    assert len(refused) == 10
    assert all(a.headers["retry-after"] == "1" for a in refused)
    gateway.step(http={"path": "/admin/mode", "body": {"mode": "normal"}})
    gateway.predict(5)


@pytest.mark.parametrize(
    ("path", "body"),
    [("/admin/config", {"colour": 1}), ("/admin/mode", {"mode": "odd"}), ("/admin/leaks", {"none-such": True}),
     ("/admin/config", None), ("/predict", {"data": "x"})],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_a_reason(gateway: Service, path: str, body: object) -> None:
    """422, and the step's failure repeats the service's own words."""
    with pytest.raises(StepFailed, match=r"answered 422; expected 200; it said: .*expected"):
        gateway.step(http={"path": path, "body": body})


def test_metrics_count_requests_by_route(gateway: Service) -> None:
    """Unknown paths share one label, so that a scanner cannot grow the metrics; the process collector is there."""
    gateway.predict(3)
    gateway.client.get("/no/such/path")
    text = gateway.client.get("/metrics").text
    assert 'http_requests_total{method="POST",path="/predict",status="200"} 3.0' in text
    assert 'http_requests_total{method="GET",path="other",status="404"} 1.0' in text
    for name in ("process_resident_memory_bytes", "gateway_cache_entries 3.0", "http_request_duration_seconds_bucket"):
        assert name in text
    assert gateway.client.get("/debug/memory?types=3").json()["types"]


def test_a_step_on_a_target_that_is_gone_fails_with_its_address(tmp_path: Path) -> None:
    """Connection refused is a failed step, not an error of the harness; so is an answer that takes too long."""
    with running(tmp_path) as gateway:
        pass
    with pytest.raises(StepFailed, match=r"POST http://127\.0\.0\.1:\d+/admin/gc: .*refused"):
        gateway.step(gc={})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        gateway.base_url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(StepFailed, match=r"no answer within 0\.2 s"):
            gateway.step(http={"path": "/", "timeout": "200ms"})
