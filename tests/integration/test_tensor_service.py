"""The tensor service as a process: its memory, what each action gives back, and what it answers when it is full."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from leaking_service import answers

from harness.ports import free_port
from harness.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        importlib.util.find_spec("torch") is None and not os.environ.get("CI"),
        reason="torch is not installed; make test installs it",
    ),
]

KEPT = 128 * 1024


class Service:
    """A running service."""

    def __init__(self, client: httpx.Client, disk: Path) -> None:
        self.client, self.disk = client, disk
        self.sent = 0

    def predict(self, count: int = 1, **fields: object) -> list[int]:
        answers = []
        for _ in range(count):
            self.sent += 1
            answers.append(self.client.post("/predict", json={"seed": self.sent, **fields}).status_code)
        return answers

    def admin(self, name: str, body: object = None) -> Any:
        return self.client.post(f"/admin/{name}", json=body).raise_for_status().json()

    def used(self) -> float:
        lines = self.client.get("/metrics").text.splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("gpu_memory_used_bytes "))


@contextlib.contextmanager
def running(disk: Path, **env: str) -> Iterator[Service]:
    port = free_port()
    command = [sys.executable, "-m", "leaky_apps.tensor", "--port", str(port)]
    everything = {**os.environ, "LEAKDRILL_DISK": str(disk), "LEAKDRILL_TOKEN": "t", "TENSOR_DEVICE": "cpu", **env}
    with (
        subprocess.Popen(command, env=everything, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process,
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60, headers={"Authorization": "Bearer t"}
        ) as client,
    ):
        try:
            wait_for(lambda: answers(client), what="the tensor service", timeout_s=90)
            yield Service(client, disk)
        finally:
            process.terminate()


def test_each_action_cures_what_it_is_for_and_nothing_else(tmp_path: Path) -> None:
    """Kept states survive a collection and an emptied cache; free blocks go with the cache, garbage with a gc."""
    with running(tmp_path) as service:
        service.predict(5)
        level = service.used()
        service.admin("leaks", {"forgotten-hook": True, "unused-blocks": True, "cyclic-traces": True})
        service.predict(20)
        service.admin("leaks", {"forgotten-hook": False, "unused-blocks": False, "cyclic-traces": False})
        states, blocks = 20 * KEPT, 20 * KEPT // 2
        assert service.used() - level == states + blocks  # the cycles hold one of the states that the hook keeps
        service.admin("gc")
        assert service.used() - level == states + blocks
        assert service.admin("empty-cache")["called"] in {"malloc_trim", "nothing: the C library cannot trim"}
        assert service.used() - level == states - KEPT // 2  # the one block of the twin went too
        assert service.admin("drop-references")["states"] == 40
        assert service.used() <= level


def test_a_full_device_refuses_and_says_so_in_its_log(tmp_path: Path) -> None:
    """503 with the figures; the health stays good, and dropping the references brings the answers back."""
    with running(tmp_path, TENSOR_BUDGET_BYTES=str(4 << 20), TENSOR_RETRY_SMALLER="0") as service:
        service.admin("leaks", {"forgotten-hook": True})
        assert set(service.predict(40)) == {200, 503}
        assert "out of memory" in (tmp_path / "tensor.log").read_text()
        assert 'status="503"' in service.client.get("/metrics").text
        service.admin("leaks", {"forgotten-hook": False})
        service.admin("drop-references")
        assert set(service.predict(5)) == {200}


def test_a_share_of_the_device_is_all_that_is_taken(tmp_path: Path) -> None:
    with running(tmp_path, TENSOR_BUDGET_BYTES=str(8 << 20), TENSOR_MEMORY_FRACTION="0.5") as service:
        service.admin("leaks", {"forgotten-hook": True})
        service.predict(60)
        assert service.used() <= 4 << 20
        assert service.client.get("/debug/memory").json()["total_bytes"] == 8 << 20


def test_diagnoses_answer_with_text(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        assert "used_bytes" in service.client.get("/debug/memory-summary").text
        assert "aten::" in service.client.get("/debug/profile").text
        assert service.predict(label=500) == [422]
        assert "refused" in (tmp_path / "tensor.log").read_text()


def test_what_cannot_be_used_is_refused_with_a_reason(tmp_path: Path) -> None:
    wrong = [
        ("/predict", {"rows": 0}), ("/predict", []), ("/admin/config", {"precision": "double"}),
        ("/admin/config", {"device": "abacus"}), ("/admin/config", {"memory_fraction": 2}),
    ]  # fmt: skip
    with running(tmp_path) as service:
        answers = [service.client.post(path, json=body) for path, body in wrong]
    assert [answer.status_code for answer in answers] == [422] * len(wrong)
    assert all("expected" in answer.json()["error"] for answer in answers)
