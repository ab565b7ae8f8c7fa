"""The details that are read have production's names, are absent where they were not read, and end with the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from leakdrill.alerting.exporter import Exporter
from leakdrill.alerting.family_labels import container_labels, more_labels
from leakdrill.record.events import (
    CgroupDetails,
    MachineFigures,
    NetworkInterfaces,
    PodResources,
    ProcessDetails,
    ProcessTree,
    TargetExited,
    TargetReady,
)
from leakdrill.record.recorder import Recorder
from leakdrill.scenario.target import ProcessTarget

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prometheus_client.samples import Sample

pytestmark = pytest.mark.integration

LIMITS = {"memory": "128MiB", "cpus": 2}
MACHINE = MachineFigures(
    cpus=4.0,
    user_seconds=40.0,
    idle_seconds=80.0,
    load1=1.5,
    open_files=99.0,
    page_faults=5.0,
    memory_waiting_seconds=3.0,
)
TREE = ProcessTree(rss_bytes=60.0, cpu_seconds=3.0, threads=4.0, fds=9.0, processes=2.0, max_fds=100.0)
NETWORK = {"eth0.receive_bytes": 5.0, "eth0.transmit_drop": 2.0, "lo.receive_bytes": 7.0, "Tcp_RetransSegs": 4.0}


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    made = Recorder(tmp_path / "history.jsonl")
    yield made
    made.close()


def _exporter(recorder: Recorder, limits: dict[str, object], stale_after_s: float = 60.0) -> Exporter:
    target = ProcessTarget.model_validate({"name": "shop", "command": ["true"], "limits": limits})
    own = {"container": "shop"}
    return Exporter(
        recorder,
        labels=container_labels(target, own),
        more=more_labels(target, own),
        limit_bytes=target.limits.memory,
        cpus=target.limits.cpus,
        stale_after_s=stale_after_s,
    )


def _scrape(exporter: Exporter) -> dict[str, list[Sample]]:
    exporter.start()
    try:
        text = httpx.get(f"http://{exporter.address}/metrics", trust_env=False).text
    finally:
        exporter.stop()
    typed = [line for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(set(typed)) == len(typed), "a family is announced once"
    found: dict[str, list[Sample]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def test_a_network_is_the_pod_s_and_the_machine_s(recorder: Recorder) -> None:
    """CAdvisor leaves loopback out and has no container there; node_exporter has both interfaces."""
    exporter = _exporter(recorder, LIMITS)
    recorder.record(NetworkInterfaces.of(NETWORK))
    series = _scrape(exporter)
    (received,) = series["container_network_receive_bytes_total"]
    assert (received.value, received.labels["interface"]) == (5, "eth0")
    assert received.labels["pod"] == "shop-0"
    assert "container" not in received.labels
    assert [s.value for s in series["container_network_transmit_packets_dropped_total"]] == [2]
    of_machine = {s.labels["device"]: s.value for s in series["node_network_receive_bytes_total"]}
    assert of_machine == {"eth0": 5, "lo": 7}
    assert [s.value for s in series["node_netstat_Tcp_RetransSegs"]] == [4]


def test_faults_and_pressure_of_a_limited_machine_are_the_container_s(recorder: Recorder) -> None:
    exporter = _exporter(recorder, LIMITS)
    recorder.record(MACHINE)
    recorder.record(CgroupDetails(page_faults=2.0, major_page_faults=1.0, limit_hits=3.0))
    series = _scrape(exporter)
    assert [s.value for s in series["node_vmstat_pgfault"]] == [2]
    assert [s.value for s in series["node_pressure_memory_waiting_seconds_total"]] == [3], "the group has none"
    assert [s.value for s in series["container_memory_failcnt"]] == [3]
    faults = {(s.labels["scope"], s.labels["failure_type"]): s.value for s in series["container_memory_failures_total"]}
    assert faults["container", "pgmajfault"] == faults["hierarchy", "pgmajfault"] == 1
    assert "container_pressure_memory_waiting_seconds_total" not in series


def test_without_a_cpu_limit_the_machine_is_the_real_one(recorder: Recorder) -> None:
    exporter = _exporter(recorder, {})
    recorder.record(MACHINE)
    series = _scrape(exporter)
    users = {s.labels["cpu"]: s.value for s in series["node_cpu_seconds_total"] if s.labels["mode"] == "user"}
    assert users == dict.fromkeys("0123", 10)
    assert [s.value for s in series["node_load1"]] == [1.5]
    assert [s.value for s in series["node_filefd_allocated"]] == [99]
    assert not {"node_memory_MemTotal_bytes", "kube_node_status_allocatable", "node_load5"} & series.keys()


def test_with_a_cpu_limit_the_machine_is_as_fast_as_that(recorder: Recorder) -> None:
    exporter = _exporter(recorder, LIMITS)
    recorder.record(MACHINE)
    assert "node_load1" not in _scrape(exporter), "the real machine's load says nothing of a smaller one"
    recorder.record(CgroupDetails(user_seconds=1.0, system_seconds=1.0))
    recorder.record(ProcessDetails(runnable=1.0))
    series = _scrape(exporter)
    assert {s.labels["cpu"] for s in series["node_cpu_seconds_total"]} == {"0", "1"}
    assert series["node_load1"]
    sizes = {s.labels["resource"]: s.value for s in series["kube_node_status_allocatable"]}
    assert sizes == {"memory": 128 * 2**20, "cpu": 2}


def test_the_group_of_processes_is_empty_once_the_service_has_ended(recorder: Recorder) -> None:
    exporter = _exporter(recorder, LIMITS)
    recorder.record(TREE)
    recorder.record(ProcessDetails(running=1.0, sleeping=1.0, worst_fd_ratio=0.07, read_bytes=8.0))
    series = _scrape(exporter)
    assert [(s.value, s.labels["groupname"]) for s in series["namedprocess_namegroup_num_procs"]] == [(2, "shop")]
    states = {s.labels["state"]: s.value for s in series["namedprocess_namegroup_states"]}
    assert states == {"Running": 1, "Sleeping": 1}
    assert [s.value for s in series["container_fs_reads_bytes_total"]] == [8]
    recorder.record(TargetExited(exit_code=1.0))
    silent = _exporter(recorder, LIMITS, stale_after_s=0.0)
    assert "namedprocess_namegroup_num_procs" not in _scrape(silent), "an exporter that heard of no end says nothing"
    recorder.record(TargetExited(exit_code=1.0))
    assert [s.value for s in _scrape(silent)["namedprocess_namegroup_num_procs"]] == [0]


def test_a_pod_is_ready_once_it_answered(recorder: Recorder) -> None:
    exporter = _exporter(recorder, LIMITS)
    recorder.record(TREE)
    assert "kube_pod_status_ready" not in _scrape(exporter)
    recorder.record(TargetReady())
    series = _scrape(exporter)
    assert {s.labels["condition"]: s.value for s in series["kube_pod_status_ready"]} == {
        "true": 1,
        "false": 0,
        "unknown": 0,
    }
    assert [s.labels["owner_name"] for s in series["kube_pod_owner"]] == ["shop"]


def test_a_machine_that_is_read_keeps_no_container_alive(recorder: Recorder) -> None:
    exporter = _exporter(recorder, LIMITS)
    recorder.record(MACHINE)
    recorder.record(NetworkInterfaces.of(NETWORK))
    assert not {"container_last_seen", "container_start_time_seconds", "kube_pod_info"} & _scrape(exporter).keys()


def test_of_several_pods_what_is_only_known_together_names_none(recorder: Recorder) -> None:
    exporter = _exporter(recorder, LIMITS)
    recorder.record(PodResources.of({"usage_bytes": 5.0}, pod="shop-a"))
    recorder.record(CgroupDetails(limit_hits=3.0))
    series = _scrape(exporter)
    assert [s.labels.get("pod") for s in series["container_memory_failcnt"]] == [None]
    assert [s.labels["pod"] for s in series["container_memory_usage_bytes"]] == ["shop-a"]
