"""The tensor service as a process: its memory, what each action gives back, and what it answers when it is full."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest
from leaking_service import answers

from leakdrill.machine.http_access import ANYONE
from leakdrill.machine.ports import free_port
from leakdrill.meters.torch_allocator import parse_statistics
from leakdrill.record.recorder import Recorder
from leakdrill.runs.drill.torch_snapshot import FILE, take_snapshot
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.long,
    pytest.mark.integration,
    pytest.mark.skipif(
        importlib.util.find_spec("torch") is None and not os.environ.get("CI"),
        reason="torch is not installed; make test installs it",
    ),
]

KEPT = 128 * 1024


class Service:
    """A running service; to what asks it over its admin face it is a target."""

    def __init__(self, client: httpx.Client, disk: Path, process: psutil.Process) -> None:
        self.client, self.disk, self.process = client, disk, process
        self.base_url, self.token = str(client.base_url).rstrip("/"), "t"
        self.access = ANYONE
        self.sent = 0

    def predict(self, count: int = 1, **fields: object) -> list[int]:
        answers = []
        for _ in range(count):
            self.sent += 1
            answers.append(self.client.post("/predict", json={"seed": self.sent, **fields}).status_code)
        return answers

    def admin(self, name: str, body: object = None) -> Any:
        return self.client.post(f"/admin/{name}", json=body).raise_for_status().json()

    def metric(self, name: str) -> float:
        lines = self.client.get("/metrics").text.splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(name + " "))

    def allocated(self) -> float:
        return self.metric("torch_allocated_bytes_all_current")


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
            yield Service(client, disk, psutil.Process(process.pid))
        finally:
            process.terminate()


def test_each_action_cures_what_it_is_for_and_nothing_else(tmp_path: Path) -> None:
    """Kept states survive a collection and an emptied cache; free blocks go with the cache, garbage with a gc."""
    with running(tmp_path) as service:
        service.predict(5)
        level = service.allocated()
        service.admin("leaks", {"forgotten-hook": True, "unused-blocks": True, "cyclic-traces": True})
        service.predict(20)
        service.admin("leaks", {"forgotten-hook": False, "unused-blocks": False, "cyclic-traces": False})
        states, blocks = 20 * KEPT, 20 * KEPT // 2
        assert service.allocated() - level == states + blocks  # the cycles hold one of the states that the hook keeps
        service.admin("gc")
        assert service.allocated() - level == states + blocks
        assert service.admin("empty-cache")["called"] in {"malloc_trim", "nothing: the C library cannot trim"}
        assert service.allocated() - level == states - KEPT // 2  # the one block of the twin went too
        assert service.admin("drop-references")["states"] == 40
        assert service.allocated() <= level


def test_quantizing_dynamically_makes_versions_smaller_in_the_memory_of_the_process(tmp_path: Path) -> None:
    with running(tmp_path, TENSOR_LEAKS="loaded-versions") as service:
        each = {}
        for precision in ("float32", "dynamic"):
            service.admin("config", {"precision": precision})
            service.predict(version=f"first {precision}")
            before = service.process.memory_full_info().uss
            for number in range(60):
                service.predict(version=f"{precision} {number}")
            each[precision] = service.process.memory_full_info().uss - before
    assert each["dynamic"] < 0.6 * each["float32"]


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
        assert service.allocated() <= 4 << 20
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


def test_torchs_figures_are_published_and_shown_under_its_own_names(tmp_path: Path) -> None:
    """What is let go of goes back to the allocator; only an emptied cache gives it back to the device."""
    with running(tmp_path) as service:
        service.predict(3)
        service.admin("leaks", {"forgotten-hook": True})
        service.predict(60)
        full = service.metric("torch_reserved_bytes_all_current")
        service.admin("let-go")
        said = service.client.get("/debug/memory").json()["torch"]
        assert said["reserved_bytes.all.current"] == said["device_used_bytes"] == full
        assert said["reserved_but_not_allocated_bytes"] == full - said["allocated_bytes.all.current"]
        assert service.metric("torch_device_used_bytes") == service.metric("gpu_memory_used_bytes") == full
        assert service.metric("torch_reserved_but_not_allocated_bytes") > 50 * KEPT
        service.admin("empty-cache")
        assert service.metric("torch_reserved_bytes_all_current") < full - 50 * KEPT
        assert parse_statistics(service.client.get("/debug/memory").json())["num_ooms"] == 0


def test_a_snapshot_is_fetched_with_who_holds_most_and_one_that_cannot_be_had_is_a_gap(tmp_path: Path) -> None:
    with running(tmp_path / "disk") as service:
        service.admin("leaks", {"forgotten-hook": True})
        service.predict(40)
        recorder = Recorder(tmp_path / "history.jsonl")
        for path in ("/admin/memory-snapshot", "/health", "/nothing"):
            take_snapshot(path, service, recorder, moment="recover", run_dir=tmp_path)  # type: ignore[arg-type]
        good, *gaps = recorder.history().where(source="torch", name="holders")
        recorder.close()
    assert isinstance(good.value, dict)
    assert max(good.value, key=lambda place: good.value[place]).startswith("tensor/network.py:")  # type: ignore[index]
    assert [gap.value for gap in gaps] == [None, None]
    assert "segments" in gaps[0].labels["error"]
    assert (tmp_path / FILE).stat().st_size > 1000


def test_a_worker_of_the_data_loader_that_is_ended_is_started_again(tmp_path: Path) -> None:
    """The request that finds it ended is answered."""
    with running(tmp_path) as service:
        assert service.predict(3, source="loader") == [200] * 3
        (worker,) = service.process.children()
        worker.kill()
        assert service.predict(3, source="loader") == [200] * 3
        assert service.metric("data_loader_restarts") == 1
        assert service.admin("restart-loader") == {"workers": 1}
        assert service.process.children() == []
        assert service.predict(source="loader") == [200]


def test_on_the_host_it_answers_and_says_nothing_of_a_card(tmp_path: Path) -> None:
    with running(tmp_path, TENSOR_DEVICE="host") as service:
        assert service.predict() == [200]
        assert "gpu_memory_used_bytes" not in service.client.get("/metrics").text
        assert service.allocated() > 0


def test_leaks_may_be_on_from_the_start(tmp_path: Path) -> None:
    with running(tmp_path, TENSOR_LEAKS="unused-blocks embedding-cache") as service:
        told = service.client.get("/admin/leaks").json()["leaks"]
    assert {leak["name"] for leak in told if leak["on"]} == {"unused-blocks", "embedding-cache"}
