"""The exporter publishes what was recorded under production's names, and nothing that is no longer true."""

from __future__ import annotations

import socket
import struct
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from leakdrill.alerting.exporter import Exporter
from leakdrill.record.events import CgroupResources, FilesystemDisk, PodResources, ProcessTree, TargetLimits
from leakdrill.record.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prometheus_client.samples import Sample

pytestmark = pytest.mark.integration

TREE = {"rss_bytes": 60.0, "cpu_seconds": 3.0, "threads": 4.0, "fds": 9.0, "processes": 2.0}
DISK = {
    "size_bytes": 100.0,
    "used_bytes": 40.0,
    "free_bytes": 60.0,
    "avail_bytes": 55.0,
    "files": 10.0,
    "files_free": 7.0,
}
CGROUP = {
    "usage_bytes": 80.0, "working_set_bytes": 70.0, "anon_bytes": 50.0, "cache_bytes": 30.0, "limit_bytes": 128.0,
    "oom_kills": 1.0, "cpu_seconds": 2.5, "periods": 10.0, "throttled_periods": 4.0, "throttled_seconds": 0.4,
}  # fmt: skip


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    made = Recorder(tmp_path / "history.jsonl")
    yield made
    made.close()


def _exporter(recorder: Recorder, *, stale_after_s: float = 60.0) -> Exporter:
    return Exporter(
        recorder,
        labels={"container": "gateway", "pod": "gateway-0"},
        mountpoint="/var/lib/gateway",
        limit_bytes=1000,
        cpus=0.5,
        stale_after_s=stale_after_s,
    )


def _scrape(exporter: Exporter) -> dict[str, tuple[float, dict[str, str]]]:
    return {s.name: (s.value, s.labels) for samples in _families(exporter).values() for s in samples}


def _families(exporter: Exporter) -> dict[str, list[Sample]]:
    exporter.start()
    try:
        text = httpx.get(f"http://{exporter.address}/metrics", trust_env=False).text
    finally:
        exporter.stop()
    assert len(set(_typed(text))) == len(_typed(text))
    return {family.name: family.samples for family in text_string_to_metric_families(text)}


def _typed(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("# TYPE")]


def test_a_cgroup_s_readings_have_cadvisor_s_names(recorder: Recorder) -> None:
    """Memory, CPU, throttling and OOM kills come from the cgroup, threads and descriptors from the processes."""
    exporter = _exporter(recorder)
    recorder.record(CgroupResources.of(CGROUP))
    recorder.record(ProcessTree.of(TREE))
    series = _scrape(exporter)
    labels = {"container": "gateway", "pod": "gateway-0"}
    assert series["container_memory_usage_bytes"] == (80, labels)
    assert series["container_cpu_usage_seconds_total"] == (2.5, {**labels, "cpu": "total"})
    expected = {
        "container_memory_working_set_bytes": 70,
        "container_memory_rss": 50,
        "container_memory_cache": 30,
        "container_spec_memory_limit_bytes": 128,
        "container_oom_events_total": 1,
        "container_cpu_cfs_periods_total": 10,
        "container_cpu_cfs_throttled_periods_total": 4,
        "container_cpu_cfs_throttled_seconds_total": 0.4,
        "container_threads": 4,
        "container_file_descriptors": 9,
        "container_processes": 2,
        "container_spec_cpu_quota": 50000,
        "container_spec_cpu_period": 100000,
    }
    assert {name: series[name][0] for name in expected} == expected
    assert "node_filesystem_size_bytes" not in series


def test_without_a_cgroup_the_processes_stand_in(recorder: Recorder) -> None:
    """Memory is the tree's RSS, the limit is the declared one, and CPU is the tree's."""
    exporter = _exporter(recorder)
    recorder.record(ProcessTree.of(TREE))
    series = _scrape(exporter)
    assert series["container_memory_usage_bytes"][0] == series["container_memory_working_set_bytes"][0] == 60
    assert series["container_spec_memory_limit_bytes"][0] == 1000
    assert series["container_cpu_usage_seconds_total"][0] == 3.0
    assert series["container_last_seen"][0] >= series["container_start_time_seconds"][0] > 1e9


def test_the_disk_has_node_exporter_s_names(recorder: Recorder) -> None:
    """Sizes and inodes carry device, fstype and mountpoint."""
    exporter = _exporter(recorder)
    recorder.record(FilesystemDisk.of(DISK))
    series = _scrape(exporter)
    labels = {"device": "leakdrill", "fstype": "tmpfs", "mountpoint": "/var/lib/gateway"}
    assert series["node_filesystem_avail_bytes"] == (55, labels)
    assert {n: v for n, (v, _) in series.items()} == {
        "node_filesystem_size_bytes": 100, "node_filesystem_avail_bytes": 55, "node_filesystem_free_bytes": 60,
        "node_filesystem_files": 10, "node_filesystem_files_free": 7, "node_filesystem_readonly": 0,
        "node_filesystem_device_error": 0, "container_fs_limit_bytes": 100, "container_fs_usage_bytes": 40,
        "container_fs_inodes_total": 10, "container_fs_inodes_free": 7,
    }  # fmt: skip


def test_what_was_not_read_lately_is_left_out(recorder: Recorder) -> None:
    """A source that fell silent disappears, so that a rule sees a gap and not an old value."""
    exporter = _exporter(recorder, stale_after_s=-1.0)
    recorder.record(CgroupResources.of(CGROUP))
    recorder.record(FilesystemDisk.of(DISK))
    assert _scrape(exporter) == {}


def test_limits_that_a_step_changed_are_published(recorder: Recorder) -> None:
    """Where no cgroup reports a limit, the one that was set last is the declared one."""
    exporter = _exporter(recorder)
    recorder.record(ProcessTree.of(TREE))
    recorder.record(TargetLimits(memory_bytes=2000.0))
    series = _scrape(exporter)
    assert series["container_spec_memory_limit_bytes"][0] == 2000
    assert series["container_spec_cpu_quota"][0] == 50000


def test_each_pod_has_its_own_series_and_their_sum_has_none(recorder: Recorder) -> None:
    """A rule on the share of the limit sees the pod that is full, and a rule that adds up counts each once."""
    exporter = _exporter(recorder)
    recorder.record(CgroupResources.of({**CGROUP, "usage_bytes": 138.0, "limit_bytes": 256.0}))
    recorder.record(ProcessTree.of(TREE))
    recorder.record(PodResources.of({**CGROUP, "usage_bytes": 128.0}, pod="gateway-1"))
    recorder.record(PodResources.of({**CGROUP, "usage_bytes": 10.0}, pod="gateway-2"))
    families = _families(exporter)
    usage = {s.labels["pod"]: s.value for s in families["container_memory_usage_bytes"]}
    limit = {s.labels["pod"]: s.value for s in families["container_spec_memory_limit_bytes"]}
    assert usage == {"gateway-1": 128, "gateway-2": 10}
    assert limit == {"gateway-1": 128, "gateway-2": 128}
    assert [s.value for s in families["container_threads"]] == [4]


def test_a_pod_that_is_not_read_any_more_is_gone_and_no_sum_takes_its_place(recorder: Recorder) -> None:
    exporter = _exporter(recorder, stale_after_s=-1.0)
    recorder.record(PodResources.of(CGROUP, pod="gateway-1"))
    recorder.record(CgroupResources.of(CGROUP))
    assert _scrape(exporter) == {}


def test_where_the_kubelets_series_count_no_container_of_ours_is_published(recorder: Recorder) -> None:
    """The disk is: nobody else measures it."""
    exporter = Exporter(recorder, labels={"container": "gateway"}, mountpoint="/x", containers=False)
    recorder.record(CgroupResources.of(CGROUP))
    recorder.record(FilesystemDisk.of(DISK))
    series = _scrape(exporter)
    assert "node_filesystem_avail_bytes" in series
    assert not [name for name in series if name.startswith("container_")]


def test_a_client_that_resets_leaves_no_word_on_the_terminal(
    recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    exporter = _exporter(recorder)
    exporter.start()
    try:
        host, port = exporter.address.split(":")
        for sent in (b"", b"GET", b"GET /metrics HTTP/1.1\r\n\r\n"):
            connection = socket.create_connection((host, int(port)), timeout=20)
            connection.sendall(sent)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        time.sleep(0.3)
    finally:
        exporter.stop()
    assert capsys.readouterr() == ("", "")
