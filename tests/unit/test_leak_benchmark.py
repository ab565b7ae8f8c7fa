"""The benchmark's own parts: recordings that are what they say, rules that are fair, and its table."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def parts() -> Iterator[dict[str, Any]]:
    sys.path.insert(0, str(FOLDER))
    yield {name: importlib.import_module(name) for name in ("generated_traces", "naive_rules", "leak_benchmark")}
    sys.path.remove(str(FOLDER))


def test_a_recording_depends_on_its_seed_and_run_only(parts: dict[str, Any]) -> None:
    made = parts["generated_traces"]
    first, again, other = (made.generate(made.PACED, "ttl_store", 3, run=run) for run in (1, 1, 2))
    np.testing.assert_array_equal(first.resident, again.resident)
    assert not np.array_equal(first.resident, other.resident)


@pytest.mark.parametrize("leak", ["per_request", "by_time", "rare", "threads"])
def test_a_leak_adds_its_bytes_per_request(parts: dict[str, Any], leak: str) -> None:
    made = parts["generated_traces"]
    grown = []
    for seed in range(20):
        leaking = made.generate(made.PACED, "flat", seed, leak=leak, bytes_per_request=4096)
        grown.append(np.ptp(leaking.resident) / np.ptp(leaking.requests))
    assert np.mean(grown) == pytest.approx(4096, rel=0.2)


@pytest.mark.parametrize("schedule", ["EXACT", "COUNTED", "PACED", "CONTINUOUS", "LIVE"])
def test_every_service_can_be_recorded_under_every_schedule(parts: dict[str, Any], schedule: str) -> None:
    made = parts["generated_traces"]
    for _, trace in made.healthy(getattr(made, schedule), 1):
        assert (np.diff(trace.requests) > 0).all()
        assert (trace.resident % 4096 == 0).all()
        assert ("live" in trace.columns) is (schedule in ("EXACT", "LIVE"))


def test_the_naive_rules_find_a_line_and_pass_a_level(parts: dict[str, Any]) -> None:
    made = parts["generated_traces"]
    line = made.generate(made.PACED, "flat", 1, leak="per_request", bytes_per_request=1000)
    level = made.generate(made.PACED, "flat", 2)
    for name, rule in parts["naive_rules"].naive_rules(32).items():
        assert rule(line), name
        assert not rule(level), name


def test_a_share_is_shown_with_its_wilson_interval(parts: dict[str, Any]) -> None:
    wilson = parts["leak_benchmark"].wilson
    assert wilson(0, 300) == "0.0 % (0.0 to 1.3)"
    assert wilson(0, 0) == "-"


@pytest.mark.parametrize(
    ("name", "leaks"),
    [
        ("aiohttp-3.10.10", True),
        ("aiohttp-3.10.10-r2", True),
        ("aiohttp-3.10.11", False),
        ("multidict-6.3.2", True),
        ("multidict-6.4.0-istr", False),
        ("hiredis-3.1.0-p1", True),
        ("hiredis-3.2.0", False),
        ("healthy-lru_fast", False),
    ],
)
def test_the_truth_about_a_recording_is_in_its_name(parts: dict[str, Any], name: str, *, leaks: bool) -> None:
    assert bool(parts["leak_benchmark"].LEAKING.search(name)) is leaks


def test_the_table_of_a_folder_of_recordings(parts: dict[str, Any]) -> None:
    folder = Path(__file__).parents[1] / "recorded" / "memory_traces"
    rows = parts["leak_benchmark"].recordings(folder).splitlines()
    assert any(row.startswith("| paced | leaks | 3 | 3 | 0 | 0 |") for row in rows)
    assert any(row.startswith("| paced | healthy | 8 | 0 | 2 | 6 |") for row in rows)
