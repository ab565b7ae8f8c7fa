"""The runner with real builds: how they end, what is tried again, and what each action gives back."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest
from leaking_service import answers

from leakdrill.machine.ports import free_port
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration


class Service:
    """A running runner."""

    def __init__(self, client: httpx.Client, process: psutil.Process) -> None:
        self.client, self.process = client, process
        self.sent = 0

    def build(self, **job: object) -> httpx.Response:
        self.sent += 1
        return self.client.post("/builds", json={"commit": f"c{self.sent}", **job})

    def admin(self, name: str, body: object = None) -> Any:
        return self.client.post(f"/admin/{name}", json=body).raise_for_status().json()

    def children(self, match: str) -> list[psutil.Process]:
        found = []
        for child in self.process.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if match in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def kill_the_next_build(self) -> threading.Thread:
        """Does once what the kernel does where memory runs out."""

        def kill() -> None:
            wait_for(lambda: self.children("build.py"), what="a build", timeout_s=60, every_s=0.005)[0].send_signal(
                signal.SIGKILL
            )

        thread = threading.Thread(target=kill)
        thread.start()
        return thread


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Service]:
    """A runner whose builds are over at once."""
    with running(tmp_path) as service:
        yield service


@contextlib.contextmanager
def running(disk: Path, seconds: str = "0.01") -> Iterator[Service]:
    port = free_port()
    command = [sys.executable, "-m", "leaky_apps.runner", "--port", str(port)]
    env = {**os.environ, "LEAKDRILL_DISK": str(disk), "LEAKDRILL_TOKEN": "t", "RUNNER_BUILD_SECONDS": seconds}
    with (
        subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process,
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60, headers={"Authorization": "Bearer t"}
        ) as client,
    ):
        try:
            wait_for(lambda: answers(client), what="the runner", timeout_s=60)
            yield Service(client, psutil.Process(process.pid))
        finally:
            for child in psutil.Process(process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
            process.terminate()


def test_a_build_passes_and_is_published(runner: Service) -> None:
    """Its mode and its outcome; the same commit is not built again."""
    answer = runner.build(mode="safe").json()
    assert answer == {"outcome": "passed", "mode": "safe", "output_bytes": 512 * 1024}
    again = runner.client.post("/builds", json={"commit": "c1"}).json()
    assert again["mode"] is None
    text = runner.client.get("/metrics").text
    assert 'builds_total{mode="safe",outcome="passed"} 1.0' in text
    assert "build_success_ratio 1.0" in text


@pytest.fixture
def slow_runner(tmp_path: Path) -> Iterator[Service]:
    """A runner whose builds last long enough to be found and killed."""
    with running(tmp_path, seconds="4") as service:
        yield service


def test_a_killed_build_is_a_failure_without_a_retry_and_passes_in_a_smaller_mode_with_one(
    slow_runner: Service,
) -> None:
    slow_runner.admin("leaks", {"pinned-mode": True})
    slow_runner.admin("config", {"retry": False})
    killer = slow_runner.kill_the_next_build()
    refused = slow_runner.build()
    killer.join()
    assert (refused.status_code, refused.json()["error"]) == (500, "the build was killed in mode optimized")
    slow_runner.admin("config", {"retry": True})
    killer = slow_runner.kill_the_next_build()
    assert slow_runner.build().json()["mode"] == "safe"
    killer.join()
    recent = slow_runner.client.get("/builds").json()["recent"]
    assert [build["outcome"] for build in recent] == ["killed", "killed", "passed"]
    assert recent[-1]["peak_bytes"] >= 64 << 20
    slow_runner.admin("config", {"mode": "auto"})
    assert not next(leak for leak in slow_runner.admin("leaks", {})["leaks"] if leak["name"] == "pinned-mode")["on"]


def test_helpers_end_with_their_build_unless_the_leak_is_on(runner: Service) -> None:
    runner.build(mode="critical")
    assert not runner.children("sleep 3600")
    runner.admin("leaks", {"orphaned-helpers": True})
    for _ in range(3):
        runner.build(mode="critical")
    left = runner.children("sleep 3600")
    assert len(left) == 3
    runner.admin("leaks", {"orphaned-helpers": False})
    for helper in left:
        helper.kill()
    runner.build(mode="critical")
    assert not runner.children("sleep 3600")


def test_workspaces_and_outputs_stay_while_their_leaks_are_on(runner: Service, tmp_path: Path) -> None:
    runner.admin("leaks", {"kept-workspaces": True, "unbounded-outputs": True})
    for _ in range(10):
        runner.build(mode="critical")
    runner.admin("leaks", {"kept-workspaces": False, "unbounded-outputs": False})
    runner.build(mode="critical")
    assert len(list((tmp_path / "workspaces").iterdir())) == 10
    assert runner.admin("clear-outputs")["outputs"] == 10


def test_what_cannot_be_used_is_refused_with_a_reason(runner: Service) -> None:
    wrong = [("/builds", {}), ("/builds", {"commit": "c", "mode": "huge"}), ("/admin/config", {"mode": "huge"}),
             ("/admin/config", {"concurrency": 0})]  # fmt: skip
    answers = [runner.client.post(path, json=body) for path, body in wrong]
    assert [answer.status_code for answer in answers] == [422] * len(wrong)
    assert all("expected" in answer.json()["error"] for answer in answers)
