"""Each setting and each admin action of the gateway has the effect that it promises."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import leak_requests_gateway as requests
import psutil
import pytest
from leaking_service import LeakingService, leaking_service

from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

MIB = 1 << 20


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[LeakingService]:
    with leaking_service("gateway", tmp_path / "disk") as service:
        yield service


def rerank(gateway: LeakingService, count: int) -> None:
    """`count` rerankings at the same time."""
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda n: requests.rerank(gateway.client, n), range(count)))


def cost(gateway: LeakingService) -> float:
    """Seconds of processor time for a prediction."""
    before = gateway.read("cpu")
    for n in range(40):
        requests.predict(gateway.client, n)
    return (gateway.read("cpu") - before) / 40


def test_smaller_batches_and_half_precision_make_large_inputs_cheaper(gateway: LeakingService) -> None:
    gateway.switch("large-inputs", on=True)
    full = cost(gateway)
    gateway.config(use_quantization=True)
    assert cost(gateway) < full * 0.75
    gateway.config(max_batch_size=4)
    assert cost(gateway) < full * 0.4


@pytest.mark.parametrize("setting", [{"max_result_bytes": MIB}, {"max_batch_size": 2}, {"use_quantization": True}])
def test_a_limit_makes_large_arrays_smaller(gateway: LeakingService, setting: dict[str, object]) -> None:
    gateway.switch("large-arrays", on=True)
    rerank(gateway, 1)
    level = gateway.read("memory")
    full = gateway.peak(lambda: rerank(gateway, 1)) - level
    gateway.config(**setting)
    assert gateway.peak(lambda: rerank(gateway, 1)) - level < full * 0.6


def test_fewer_workers_hold_fewer_large_arrays(gateway: LeakingService) -> None:
    """Eight rerankings at once hold one array of 12 MiB when one worker is left, and all are answered."""
    gateway.switch("large-arrays", on=True)
    gateway.config(num_workers=1)
    rerank(gateway, 2)
    level = gateway.read("memory")
    assert gateway.peak(lambda: rerank(gateway, 8)) - level < 18 * MIB


def test_a_request_timeout_ends_what_waits_and_refuses_what_is_slow(gateway: LeakingService) -> None:
    gateway.switch("stuck-requests", on=True)
    for n in range(200):
        requests.predict(gateway.client, n)
    grown = gateway.read("memory")
    gateway.config(request_timeout_s=0.001)
    wait_for(lambda: gateway.read("memory") < grown - 10 * MIB, what="memory coming back", timeout_s=20)
    assert gateway.client.get("/debug/memory").json()["pending_reports"] <= 1
    assert gateway.client.post("/predict", json={"data": [[1]], "rerank": True}).status_code == 504


def test_clearing_the_model_cache_empties_memory_and_disk(gateway: LeakingService) -> None:
    gateway.switch("unreleased-weights", on=True)
    gateway.switch("stale-model-files", on=True)
    for n in range(30):
        requests.new_version(gateway.client, n)
    assert len(list((gateway.disk / "model_cache").iterdir())) == 30
    assert gateway.client.get("/debug/memory").json()["model_versions"] == 30
    assert gateway.admin("clear-model-cache")["versions_cleared"] == 30
    assert not list((gateway.disk / "model_cache").iterdir())
    assert gateway.client.get("/debug/memory").json()["model_versions"] == 0


def test_a_body_beyond_the_payload_limit_is_refused(gateway: LeakingService) -> None:
    gateway.config(max_payload_bytes=1024)
    assert gateway.client.post("/predict", json={"data": [[1]], "metadata": "x" * 2000}).status_code == 413
    requests.predict(gateway.client, 1)


def test_a_killed_batch_worker_costs_no_request_and_is_started_again(gateway: LeakingService) -> None:
    requests.job(gateway.client, 1)
    (worker,) = gateway.process.children()
    assert "batch_worker" in " ".join(worker.cmdline())
    worker.kill()

    def replaced() -> bool:
        requests.job(gateway.client, 2)
        return any(child != worker for child in gateway.process.children())

    wait_for(replaced, what="another worker", timeout_s=20)


def test_the_profile_names_the_hot_loop_and_others_are_answered_meanwhile(gateway: LeakingService) -> None:
    gateway.switch("hot-loop", on=True)
    stacks: list[str] = []
    profile = threading.Thread(
        target=lambda: stacks.append(gateway.client.get("/debug/pprof/profile?seconds=1").raise_for_status().text)
    )
    profile.start()
    answered = 0
    while profile.is_alive():
        requests.predict(gateway.client, answered)
        answered += 1
    profile.join()
    hot = [line for line in stacks[0].splitlines() if "hot_loop._poll" in line]
    assert answered > 1
    assert hot
    assert all(int(line.rpartition(" ")[2]) > 0 for line in hot)


@pytest.mark.parametrize("seconds", ["0", "-1", "31", "nan", "soon"])
def test_a_profile_has_a_longest_time(gateway: LeakingService, seconds: str) -> None:
    assert gateway.client.get(f"/debug/pprof/profile?seconds={seconds}").status_code == 422


def test_the_processes_of_the_service_end_with_it(tmp_path: Path) -> None:
    with leaking_service("gateway", tmp_path / "disk") as gateway:
        requests.job(gateway.client, 1)
        (worker,) = gateway.process.children()
    wait_for(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, what="its end", timeout_s=20)
