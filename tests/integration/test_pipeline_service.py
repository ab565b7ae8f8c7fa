"""The pipeline as a process: its Redis lives and dies with it, only the right cure cures, and it refuses in time."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from leaking_service import LeakingService, leaking_service

from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

SEEDS = itertools.count(1)
HEADERS = {"Authorization": "Bearer the-token"}


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[LeakingService]:
    with leaking_service("pipeline", tmp_path / "disk") as service:
        yield service


def work(service: LeakingService, count: int) -> None:
    for _ in range(count):
        service.client.post("/episodes", json={"seed": next(SEEDS), "characters": 6000}).raise_for_status()


def admin(service: LeakingService, name: str, body: object = None) -> Any:
    return service.client.post(f"/admin/{name}", json=body, headers=HEADERS).raise_for_status().json()


def facts(service: LeakingService) -> dict[str, Any]:
    found: dict[str, Any] = service.client.get("/debug/memory").json()
    return found


def redis_of(service: LeakingService) -> psutil.Process:
    return next(child for child in service.process.children() if child.name() == "redis-server")


def redis_cli(service: LeakingService, *words: str) -> str:
    socket = facts(service)["redis_url"].removeprefix("unix://")
    return subprocess.run(["redis-cli", "-s", socket, *words], capture_output=True, text=True, check=True).stdout


def python(service: LeakingService, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "LEAKDRILL_TOKEN": "the-token", "LEAKDRILL_DISK": str(service.disk)}
    return subprocess.run([sys.executable, *words], env=env, capture_output=True, text=True, check=False)


def test_the_same_episode_comes_from_the_process_then_from_redis(pipeline: LeakingService) -> None:
    episode = {"transcript": "Anna Nobody met Olaf Nowhere. Anna Nobody left."}

    def cached() -> str:
        answer = pipeline.client.post("/episodes", json=episode).raise_for_status().json()
        assert answer["entities"] == {"Anna Nobody": 2, "Olaf Nowhere": 1}
        return str(answer["cached"])

    assert [cached(), cached()] == ["none", "process"]
    admin(pipeline, "config", {"process_cache_max_entries": 1})
    admin(pipeline, "leaks", {"unbounded-process-cache": False})
    work(pipeline, 1)
    assert cached() == "redis"
    assert pipeline.client.get("/graph?name=Anna+Nobody").json()["neighbours"] == {"Olaf Nowhere": 1}


def test_flushing_redis_leaves_the_process_cache_and_clearing_empties_both(pipeline: LeakingService) -> None:
    work(pipeline, 20)
    assert redis_cli(pipeline, "FLUSHDB").strip() == "OK"
    assert (facts(pipeline)["redis_cache_entries"], facts(pipeline)["process_cache_entries"]) == (0, 20)
    work(pipeline, 5)
    assert admin(pipeline, "clear-caches")["entries_cleared"] == {"process": 25, "redis": 5}


def test_the_command_clears_the_service_and_another_python_only_itself(pipeline: LeakingService) -> None:
    work(pipeline, 10)
    other = python(pipeline, "-c", "from leaky_apps.pipeline.caches import clear_caches; print(clear_caches())")
    assert (other.returncode, other.stdout.strip()) == (0, "{'process': 0, 'redis': 0}")
    assert facts(pipeline)["process_cache_entries"] == 10
    port = str(pipeline.client.base_url.port)
    asked = python(pipeline, "-m", "leaky_apps.pipeline.caches", "--port", port)
    assert asked.returncode == 0, asked.stderr
    assert facts(pipeline)["process_cache_entries"] == 0


def test_the_command_fails_with_a_reason_when_it_may_not(pipeline: LeakingService) -> None:
    command = [sys.executable, "-m", "leaky_apps.pipeline.caches", "--port", str(pipeline.client.base_url.port)]
    env = {**os.environ, "LEAKDRILL_TOKEN": "wrong"}
    asked = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert asked.returncode == 1
    assert "401" in asked.stderr


def test_entries_expire_in_redis_unless_the_leak_is_on(pipeline: LeakingService) -> None:
    work(pipeline, 1)
    admin(pipeline, "leaks", {"redis-without-ttl": True})
    work(pipeline, 1)
    keys = redis_cli(pipeline, "KEYS", "*").split()
    assert sorted(int(redis_cli(pipeline, "TTL", key)) > 0 for key in keys) == [False, True]


def test_redis_dies_with_a_service_that_is_killed(pipeline: LeakingService) -> None:
    redis = redis_of(pipeline)
    pipeline.process.kill()
    wait_for(lambda: not redis.is_running() or redis.status() == psutil.STATUS_ZOMBIE, what="its end", timeout_s=30)


def test_a_redis_that_was_killed_is_a_cache_that_misses_and_comes_back(pipeline: LeakingService) -> None:
    work(pipeline, 3)
    redis = redis_of(pipeline)
    redis.send_signal(signal.SIGKILL)
    wait_for(lambda: not redis.is_running() or redis.status() == psutil.STATUS_ZOMBIE, what="its end", timeout_s=30)
    work(pipeline, 5)
    assert redis_of(pipeline).pid != redis.pid
    assert facts(pipeline)["redis_cache_entries"] > 0
    assert "pipeline_redis_errors_total 0.0" not in pipeline.client.get("/metrics").text


def test_beyond_its_budget_the_monitor_refuses_episodes_and_counts_them(pipeline: LeakingService) -> None:
    admin(pipeline, "config", {"max_memory_bytes": 1})
    answers = [pipeline.client.post("/episodes", json={"seed": next(SEEDS)}) for _ in range(3)]
    assert [(a.status_code, a.headers["retry-after"]) for a in answers] == [(503, "1")] * 3
    assert "pipeline_memory_refusals_total 3.0" in pipeline.client.get("/metrics").text
    assert pipeline.client.get("/health").status_code == 200
    admin(pipeline, "config", {"max_memory_bytes": 0})
    work(pipeline, 1)


def test_each_component_is_held_against_its_budget(pipeline: LeakingService) -> None:
    work(pipeline, 3)
    admin(pipeline, "config", {"budget_graph_bytes": 1})
    assert facts(pipeline)["components"]["graph"]["over"] is True
    text = pipeline.client.get("/metrics").text
    assert 'pipeline_component_budget_bytes{component="graph"} 1.0' in text
    assert 'pipeline_component_bytes{component="transcripts"}' in text


def test_the_environment_switches_the_profile_on_and_sets_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PODCAST_KG_MEMORY_PROFILE", "true")
    monkeypatch.setenv("PODCAST_KG_BATCH_SIZE", "5")
    with leaking_service("pipeline", tmp_path / "disk") as service:
        assert service.client.get("/admin/config", headers=HEADERS).json()["batch_size"] == 5
        assert (service.disk / "memory_profile.bin").stat().st_size > 0
        work(service, 5)
        assert admin(service, "memory-profile")["bytes"] > 0
        shown = python(service, "-m", "leaky_apps.pipeline.memory_profile", str(service.disk / "memory_profile.bin"))
        assert "leaky_apps/pipeline" in shown.stdout


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/episodes", {}), ("/episodes", {"seed": 1, "transcript": "both"}), ("/episodes", {"seed": "x"}),
        ("/episodes", {"transcript": ""}), ("/episodes", {"seed": 1, "characters": 0}),
        ("/admin/config", {"gc_threshold": [700, 10]}), ("/admin/config", {"gc_threshold": [0, 1, 1]}),
        ("/admin/config", {"batch_size": 0}),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_a_reason(pipeline: LeakingService, path: str, body: object) -> None:
    answer = pipeline.client.post(path, json=body, headers=HEADERS)
    assert answer.status_code == 422
    assert "expected" in answer.json()["error"]
