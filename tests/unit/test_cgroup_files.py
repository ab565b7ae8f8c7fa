"""Control groups are found and read the same way in versions 1 and 2."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leakdrill.machine.cgroup import (
    Cgroup,
    CgroupRefused,
    Hierarchies,
    Place,
    apply_limits,
    hierarchies,
    make_cgroup,
    watched,
)
from leakdrill.meters.cgroup import CgroupMeter
from leakdrill.record.journal import Journal
from leakdrill.record.stored_journal import read_journal
from leakdrill.scenario.target import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

V1_MOUNTS = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
"""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal")
    yield journal
    journal.close()


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_controllers_that_share_a_mount_share_their_place() -> None:
    found = hierarchies(V1_MOUNTS, "4:memory:/\n2:cpu,cpuacct:/\n9:name=systemd:/\n0::/\n")
    both = Path("/sys/fs/cgroup/cpu,cpuacct")
    assert found.v1["cpu"] == found.v1["cpuacct"] == Place(both, both)
    assert found.v1["memory"].top == Path("/sys/fs/cgroup/memory")
    assert found.v2 is None


def test_our_own_place_is_below_the_mount(tmp_path: Path) -> None:
    (tmp_path / "user.slice/session-2.scope").mkdir(parents=True)
    mounts = f"30 23 0:26 / {tmp_path} rw - cgroup2 cgroup2 rw,nsdelegate\n"
    place = hierarchies(mounts, "0::/user.slice/session-2.scope\n").v2
    assert place == Place(tmp_path / "user.slice/session-2.scope", tmp_path)
    assert place.upwards() == [place.own, tmp_path / "user.slice", tmp_path]


def test_in_a_container_the_mounts_root_is_taken_off_our_path(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    mounts = f"30 23 0:26 /docker/abc {tmp_path} ro - cgroup cgroup rw,memory\n"
    found = hierarchies(mounts, "4:memory:/docker/abc/inner\n")
    assert found.v1["memory"].own == tmp_path / "inner"


def test_a_path_outside_of_the_mount_is_the_mount_itself(tmp_path: Path) -> None:
    mounts = f"30 23 0:26 /docker/abc {tmp_path} ro - cgroup2 cgroup2 rw\n"
    place = hierarchies(mounts, "0::/../elsewhere\n").v2
    assert place == Place(tmp_path, tmp_path)


def test_version_1_files_are_read_into_our_names(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "memory/memory.usage_in_bytes": "5000\n",
            "memory/memory.limit_in_bytes": "67108864\n",
            "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
            "memory/memory.stat": "cache 1\nrss 2\ntotal_cache 900\ntotal_rss 4000\ntotal_inactive_file 600\n",
            "cpu/cpu.stat": "nr_periods 40\nnr_throttled 7\nthrottled_time 2500000000\n",
            "cpuacct/cpuacct.usage": "1500000000\n",
        },
    )
    meter = CgroupMeter(Cgroup(version=1, memory=root / "memory", cpu=root / "cpu", cpuacct=root / "cpuacct"))
    assert meter.read() == pytest.approx(
        {
            "usage_bytes": 5000,
            "working_set_bytes": 4400,
            "anon_bytes": 4000,
            "cache_bytes": 900,
            "limit_bytes": 67108864,
            "oom_kills": 3,
            "periods": 40,
            "throttled_periods": 7,
            "throttled_seconds": 2.5,
            "cpu_seconds": 1.5,
        }
    )


V2_FILES = {
    "memory.current": "5000\n",
    "memory.max": "67108864\n",
    "memory.events": "low 0\nhigh 0\nmax 9\noom 4\noom_kill 3\noom_group_kill 0\n",
    "memory.stat": "anon 4000\nfile 900\nkernel 100\ninactive_file 600\n",
    "cpu.stat": "usage_usec 1500000\nuser_usec 1\nsystem_usec 2\nnr_periods 40\nnr_throttled 7\n"
    "throttled_usec 2500000\n",
}


def test_version_2_files_are_read_into_the_same_names(tmp_path: Path) -> None:
    root = tree(tmp_path, V2_FILES)
    meter = CgroupMeter(Cgroup(version=2, memory=root, cpu=root, cpuacct=root))
    assert meter.read() == pytest.approx(
        {
            "usage_bytes": 5000,
            "working_set_bytes": 4400,
            "anon_bytes": 4000,
            "cache_bytes": 900,
            "limit_bytes": 67108864,
            "oom_kills": 3,
            "periods": 40,
            "throttled_periods": 7,
            "throttled_seconds": 2.5,
            "cpu_seconds": 1.5,
        }
    )


@pytest.mark.parametrize(
    ("version", "name", "text"),
    [(1, "memory.limit_in_bytes", "9223372036854771712\n"), (2, "memory.max", "max\n")],
)
def test_no_limit_leaves_the_field_out(tmp_path: Path, version: int, name: str, text: str) -> None:
    tree(tmp_path, {name: text})
    assert CgroupMeter(Cgroup(version=version, memory=tmp_path)).read() == {}


@pytest.mark.parametrize(
    ("version", "name", "text"),
    [
        (1, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"),
        (2, "memory.events", "oom 5\noom_kill 2\n"),
    ],
)
def test_oom_kills_are_counted_in_both_versions(tmp_path: Path, version: int, name: str, text: str) -> None:
    assert Cgroup(version=version, memory=tree(tmp_path, {name: text})).oom_kills() == 2


def test_a_kernel_that_does_not_count_oom_kills_is_not_taken_for_none_killed(tmp_path: Path) -> None:
    tree(tmp_path, {"memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n"})
    assert Cgroup(version=1, memory=tmp_path).oom_kills() is None


def test_version_1_limits_swap_too_where_it_is_counted(tmp_path: Path) -> None:
    names = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "cpu.cfs_quota_us", "cpu.cfs_period_us")
    tree(tmp_path, dict.fromkeys(names, ""))
    enforced, notices = apply_limits(Cgroup(version=1, memory=tmp_path, cpu=tmp_path), Limits(memory="64MiB", cpus=0.5))
    assert (enforced, notices) == ({"memory", "cpus"}, [])
    assert [(tmp_path / name).read_text() for name in names] == ["67108864", "67108864", "50000", "100000"]


def test_version_2_limits_memory_swap_and_cpu_and_kills_one_at_a_time(tmp_path: Path) -> None:
    names = ("memory.max", "memory.swap.max", "memory.oom.group", "cpu.max")
    tree(tmp_path, dict.fromkeys(names, ""))
    apply_limits(Cgroup(version=2, memory=tmp_path, cpu=tmp_path), Limits(memory="64MiB", cpus=1.5))
    assert [(tmp_path / name).read_text() for name in names] == ["67108864", "0", "0", "150000 100000"]


def test_a_limit_without_its_controller_is_watched_and_said(tmp_path: Path) -> None:
    tree(tmp_path, {"memory.max": ""})
    enforced, notices = apply_limits(Cgroup(version=2, memory=tmp_path), Limits(memory="64MiB", cpus=0.5))
    assert enforced == {"memory"}
    assert notices == ["cpu limit 0.5 cores is watched, not enforced: the cpu controller is not available here"]


def test_a_watched_limit_names_its_size_and_the_reason() -> None:
    assert watched("memory", 256 * 1024**2, "why") == "memory limit 256 MiB is watched, not enforced: why"


def test_version_2_makes_the_group_at_the_nearest_place_whose_children_have_the_controllers(
    tmp_path: Path, journal: Journal
) -> None:
    top = tree(
        tmp_path / "fs",
        {
            "cgroup.subtree_control": "cpu memory pids\n",
            "user.slice/cgroup.subtree_control": "cpu memory\n",
            "user.slice/session.scope/cgroup.subtree_control": "\n",
        },
    )
    found = Hierarchies({}, Place(top / "user.slice/session.scope", top))
    cgroup = make_cgroup("leakdrill-x", journal, part="target", hierarchies=found)
    folder = top / "user.slice/leakdrill-x"
    assert cgroup == Cgroup(version=2, memory=folder, cpu=folder, cpuacct=folder)
    assert [entry.data["path"] for entry in read_journal(tmp_path / "journal")] == [str(folder)]


def test_version_1_makes_shared_controllers_one_group(tmp_path: Path, journal: Journal) -> None:
    both, memory = (tmp_path / "cpu,cpuacct", tmp_path / "memory")
    (memory / "ours").mkdir(parents=True)
    both.mkdir()
    places = {"memory": Place(memory / "ours", memory), "cpu": Place(both, both), "cpuacct": Place(both, both)}
    found = Hierarchies(places, None)
    cgroup = make_cgroup("leakdrill-x", journal, part="target", hierarchies=found)
    assert cgroup.folders == (memory / "ours/leakdrill-x", both / "leakdrill-x")
    assert len(read_journal(tmp_path / "journal")) == 2


def test_a_refusal_names_the_place_and_the_reason_and_leaves_the_journal_empty(
    tmp_path: Path, journal: Journal
) -> None:
    found = Hierarchies({}, Place(tmp_path / "gone", tmp_path / "gone"))
    with pytest.raises(CgroupRefused, match=r"no cgroup in \S+/gone: No such file or directory"):
        make_cgroup("leakdrill-x", journal, part="target", hierarchies=found)
    assert read_journal(tmp_path / "journal") == []


def test_without_any_hierarchy_the_refusal_says_so(journal: Journal) -> None:
    with pytest.raises(CgroupRefused, match="no cgroup hierarchy with a memory controller is mounted"):
        make_cgroup("leakdrill-x", journal, part="target", hierarchies=Hierarchies({}, None))
