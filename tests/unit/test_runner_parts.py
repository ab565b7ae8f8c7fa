"""The parts of the build runner that need no process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leaky_apps.runner.found_memory import available_bytes, memory_limit_bytes
from leaky_apps.runner.leaks.pinned_mode import PinnedMode
from leaky_apps.runner.leaks.unbounded_outputs import UnboundedOutputs
from leaky_apps.runner.modes import MODES, NEED_BYTES, THRESHOLD_BYTES, Plan, smaller
from leaky_apps.runner.output_cache import OutputCache
from leaky_apps.runner.workspaces import Workspaces

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
GIB = 1 << 30


def plan(limit_bytes: int, concurrency: int = 1) -> Plan:
    made = Plan(lambda: limit_bytes, lambda: 40 * MIB)
    made.concurrency = concurrency
    return made


def group(tmp_path: Path, folder: str, name: str, limit: str) -> None:
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / folder / name).write_text(limit)


def test_thresholds_stand_as_6_4_and_2_and_a_build_needs_at_most_two_thirds() -> None:
    thresholds = [THRESHOLD_BYTES[mode] for mode in MODES]
    assert [t / thresholds[-1] for t in thresholds] == [3, 2, 1]
    assert all(NEED_BYTES[mode] <= THRESHOLD_BYTES[mode] * 2 / 3 for mode in MODES)


def test_the_memory_decides_the_mode_and_falls_back_gracefully() -> None:
    assert plan(4 * GIB).decide(None) == "optimized"
    assert plan(GIB, concurrency=6).decide(None) == "safe"
    assert plan(512 * MIB, concurrency=5).decide(None) == "critical"
    assert plan(1 * MIB).decide(None) == "critical"


def test_a_job_may_ask_for_less_and_not_for_more_than_the_memory_allows() -> None:
    assert plan(4 * GIB).decide("safe") == "safe"
    assert plan(1 * MIB).decide("optimized") == "critical"


def test_a_pinned_mode_ignores_memory_and_job_until_it_is_switched_off() -> None:
    tight = plan(1 * MIB)
    leak = PinnedMode(tight)
    leak.switch(on=True)
    assert (tight.decide("critical"), leak.on) == ("optimized", True)
    leak.switch(on=False)
    assert tight.decide(None) == "critical"


def test_a_mode_set_by_hand_holds_for_every_build() -> None:
    generous = plan(4 * GIB)
    generous.mode = "safe"
    assert generous.decide(None) == "safe"


def test_smaller_goes_down_to_the_smallest() -> None:
    assert [smaller(mode) for mode in MODES] == ["safe", "critical", None]


def test_the_lowest_limit_of_all_groups_above_is_found_in_version_1(tmp_path: Path) -> None:
    groups = tmp_path / "groups"
    groups.write_text("9:cpu,cpuacct:/\n4:memory:/a/b\n1:name=systemd:/\n")
    group(tmp_path, "memory/a/b", "memory.limit_in_bytes", str(1 << 62))
    group(tmp_path, "memory/a", "memory.limit_in_bytes", "320000000")
    assert memory_limit_bytes(groups, tmp_path) == 320_000_000


def test_version_2_says_max_where_there_is_no_limit(tmp_path: Path) -> None:
    groups = tmp_path / "groups"
    groups.write_text("0::/svc\n")
    group(tmp_path, "svc", "memory.max", "max\n")
    assert memory_limit_bytes(groups, tmp_path) is None
    group(tmp_path, "svc", "memory.max", "1048576\n")
    assert memory_limit_bytes(groups, tmp_path) == MIB


def test_inside_a_container_the_root_is_the_group(tmp_path: Path) -> None:
    groups = tmp_path / "groups"
    groups.write_text("0::/docker/not-visible-here\n")
    (tmp_path / "memory.max").write_text("2097152\n")
    assert memory_limit_bytes(groups, tmp_path) == 2 * MIB


def test_without_a_group_what_the_kernel_calls_available_is_found(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 9 kB\nMemAvailable:    2048 kB\n")
    assert available_bytes(meminfo) == 2 * MIB


def test_the_twin_of_the_cache_holds_8_and_switching_off_releases_nothing() -> None:
    cache = OutputCache()
    leak = UnboundedOutputs(cache)
    for number in range(20):
        cache.put(str(number), b"")
    assert (len(cache), cache.get("0"), leak.on) == (8, None, False)
    leak.switch(on=True)
    for number in range(20, 50):
        cache.put(str(number), b"")
    leak.switch(on=False)
    cache.put("one more", b"")
    assert len(cache) == 38
    assert cache.clear() == 38
    for number in range(20):
        cache.put(str(number), b"")
    assert len(cache) == 8


@pytest.mark.parametrize("clean_up", [True, False])
def test_a_workspace_goes_with_its_build_unless_it_is_kept(tmp_path: Path, clean_up: bool) -> None:
    workspaces = Workspaces(tmp_path)
    workspaces.clean_up = clean_up
    with workspaces.new() as workspace:
        (workspace / "output.bin").write_bytes(b"x")
    assert workspace.exists() is not clean_up
