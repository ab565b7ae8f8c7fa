"""The order processor as a process: each cure cures its own pattern alone, and what a diagnosis needs is there."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from leak_requests_patterns import REQUESTS
from leaking_service import LeakingService, leaking_service

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration

_SCENARIOS: Final = Path(__file__).parents[2] / "scenarios" / "patterns"
_AUTHORIZED: Final = {"Authorization": "Bearer the-token"}
_NUMBERS: Final = itertools.count(1)
_GROWN: Final = 120

CURES: Final[dict[str, tuple[str, object]]] = {
    "gc": ("/admin/gc", None),
    "clear-cache": ("/admin/clear-cache", None),
    "config": (
        "/admin/config",
        {"recent_max": 1, "cache_max_entries": 1, "audit_batch": 1, "stream_exports": True, "report_chunk_rows": 1024},
    ),
}
CURED_BY: Final = {
    "unbounded-collection": {"config"},
    "cache-without-eviction": {"clear-cache"},
    "retained-large-objects": set[str](),
    "global-accumulation": set[str](),
    "reference-cycles": {"gc"},
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[LeakingService]:
    with leaking_service("patterns", tmp_path / "disk") as running:
        yield running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LeakingService]:
    """One for the tests that switch nothing on."""
    with leaking_service("patterns", tmp_path_factory.mktemp("shared") / "disk") as running:
        yield running


def post(service: LeakingService, path: str, body: object = None) -> Any:
    return service.client.post(path, json=body, headers=_AUTHORIZED).raise_for_status().json()


def send(service: LeakingService, leak: str, count: int) -> None:
    for _ in range(count):
        REQUESTS[leak](service.client, next(_NUMBERS))


def log(service: LeakingService) -> str:
    return (service.disk / "patterns.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("leak", CURED_BY)
def test_each_cure_frees_what_its_own_pattern_keeps_and_nothing_else(service: LeakingService, leak: str) -> None:
    send(service, leak, 60)
    service.switch(leak, on=True)
    before = service.read("memory")
    send(service, leak, _GROWN)
    service.switch(leak, on=False)
    kept = service.read("memory") - before
    cures = sorted(CURES, key=lambda cure: cure in CURED_BY[leak])
    for cure in cures:
        path, body = CURES[cure]
        post(service, path, body)
        left = service.read("memory") - before
        assert (left < kept / 4) is (cure in CURED_BY[leak]), f"{cure}: {left} of {kept} left"


def test_the_log_tells_sizes_that_grow_while_a_leak_is_on_and_stand_still_in_its_twin(service: LeakingService) -> None:
    """The same search that the scenarios carry out, on both."""
    for on, code in ((True, 0), (False, 1)):
        service.switch("cache-without-eviction", on=on)
        (service.disk / "patterns.log").write_text("")
        while len(re.findall("cache size:", log(service))) < 6:
            send(service, "cache-without-eviction", 20)
        script = [sys.executable, str(_SCENARIOS / "numbers_grow.py"), str(service.disk / "patterns.log")]
        done = subprocess.run([*script, "cache size: ([0-9]+)"], capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        post(service, "/admin/clear-cache")
        send(service, "cache-without-eviction", 40)


@pytest.mark.parametrize(
    ("leak", "pattern"),
    [
        ("unbounded-collection", r"recent receipts size: \d+"),
        ("global-accumulation", r"Batch \d+ processed; audit entries count: \d+"),
        ("unbounded-collection", r"Processing order \d+; orders processed, total: \d+"),
        ("cache-without-eviction", r"quote cache size: \d+"),
        ("retained-large-objects", r"Created export \d+ of 512 rows; exports kept, count: \d+"),
        ("reference-cycles", r"New basket object; GC is on, objects waiting for it, count: \d+"),
        ("large-allocations", r"INFO orders Allocated tables of 0\.5 MiB for report \d+"),
    ],
)
def test_every_kind_of_request_says_what_it_does_and_holds(shared: LeakingService, leak: str, pattern: str) -> None:
    send(shared, leak, 1)
    assert re.search(pattern, log(shared))


def test_a_large_allocation_is_a_warning_in_the_log(service: LeakingService) -> None:
    service.switch("large-allocations", on=True)
    post(service, "/reports", {"rows": 16_384})
    assert "WARNING orders Allocated tables of 8.0 MiB for report 1" in log(service)


def test_tracemalloc_names_the_line_that_accumulates(service: LeakingService) -> None:
    """Switched on while the service runs; without it a snapshot is refused, and says what to do."""
    refused = service.client.post("/admin/tracemalloc", json={"action": "snapshot"}, headers=_AUTHORIZED)
    assert (refused.status_code, "PYTHONTRACEMALLOC" in refused.text) == (409, True)
    post(service, "/admin/tracemalloc", {"action": "start"})
    service.switch("global-accumulation", on=True)
    send(service, "global-accumulation", 60)
    answer = post(service, "/admin/tracemalloc", {"action": "snapshot"})
    assert answer["traced_bytes"] > 60 * 65536
    assert re.search(r"Top 1 memory blocks: \S+audit\.py:\d+ size: 3\.\d MiB count: \d+", log(service))
    assert post(service, "/admin/tracemalloc", {"action": "stop"})["on"] is False


def test_the_memory_endpoint_says_what_is_held_and_which_types_are_frequent(service: LeakingService) -> None:
    service.switch("reference-cycles", on=True)
    send(service, "reference-cycles", 200)
    facts = service.client.get("/debug/memory?types=20").json()
    assert facts["gc_on"] is False
    assert facts["types"]["leaky_apps.patterns.baskets.Line"] == 800
    assert (facts["recent_receipts"], facts["recent_bytes"]) == (32, 32 * 65536)
    assert service.client.get("/debug/memory?types=many").status_code == 422


def test_py_spy_reads_the_stacks_of_the_running_service(shared: LeakingService) -> None:
    script = [sys.executable, str(_SCENARIOS / "py_spy.py"), "dump", "--pid", str(shared.process.pid)]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    if "was found neither" in done.stderr:
        pytest.skip("py-spy is not installed")
    assert done.returncode == 0, done.stderr
    assert "leaky_apps/service/serve.py" in done.stdout
    send(shared, "unbounded-collection", 1)


def test_metrics_count_requests_by_route_and_status(service: LeakingService) -> None:
    send(service, "cache-without-eviction", 3)
    assert service.client.get("/quotes").status_code == 422
    text = service.client.get("/metrics").text
    assert 'http_requests_total{method="GET",path="/quotes",status="200"} 3.0' in text
    assert 'http_requests_total{method="GET",path="/quotes",status="422"} 1.0' in text
    assert "patterns_quote_cache_entries 3.0" in text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/orders", {"customer": "c"}), ("/exports", {"rows": 0}), ("/exports", []), ("/reports", {"rows": "many"}),
        ("/admin/config", {"recent_max": 0}), ("/admin/tracemalloc", {"action": "dance"}), ("/admin/tracemalloc", 1),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_a_reason(shared: LeakingService, path: str, body: object) -> None:
    answer = shared.client.post(path, json=body, headers=_AUTHORIZED)
    assert answer.status_code == 422
    assert "expected" in answer.json()["error"]


def test_admin_needs_the_token(shared: LeakingService) -> None:
    for path in ("/admin/gc", "/admin/tracemalloc", "/admin/config"):
        assert httpx.post(f"{shared.client.base_url}{path}", trust_env=False).status_code == 401
