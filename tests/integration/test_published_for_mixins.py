"""Rules as the well-known mixins write their selectors find the series of a drill, with a real Prometheus' parser.

The expressions are ours; which metrics, labels and joins they use is what kube-prometheus' mixins and collections of
public rules use.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from leakdrill.alerting.exporter import Exporter
from leakdrill.alerting.family_labels import container_labels, more_labels
from leakdrill.alerting.selectors import selected_series, selectors
from leakdrill.record.events import CgroupResources, FilesystemDisk, ProcessTree
from leakdrill.record.recorder import Recorder
from leakdrill.scenario.target import ProcessTarget

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

EXPRESSIONS = {
    "throttling": "sum by (container, pod, namespace) (increase(container_cpu_cfs_throttled_periods_total{"
    'container!="", job="kubelet", metrics_path="/metrics/cadvisor"}[5m])) / sum by (container, pod, namespace) '
    '(increase(container_cpu_cfs_periods_total{job="kubelet", metrics_path="/metrics/cadvisor"}[5m])) > 0.25',
    "memory of a pod's limit": 'sum by (namespace, pod, container) (container_memory_working_set_bytes{container!="", '
    'image!="", job="kubelet"}) / sum by (namespace, pod, container) '
    '(kube_pod_container_resource_limits{job="kube-state-metrics", resource="memory", unit="byte"}) > 0.9',
    "cores of a pod's limit": 'sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{container!="", '
    'namespace=~".+"}[5m])) / sum by (namespace, pod) (kube_pod_container_resource_limits{resource="cpu"}) > 0.9',
    "memory by the runtime's name": 'sum by (instance, name) (container_memory_working_set_bytes{name!=""}) / '
    "sum by (instance, name) (container_spec_memory_limit_bytes > 0) > 0.8",
    "disk nearly full": 'node_filesystem_avail_bytes{job="node-exporter",fstype!="",mountpoint!=""} / '
    'node_filesystem_size_bytes{job="node-exporter",fstype!=""} < 0.05 and '
    'node_filesystem_readonly{job="node-exporter",fstype!=""} == 0',
    "inodes": 'node_filesystem_files_free{job="node-exporter"} / node_filesystem_files{job="node-exporter"} < 0.05',
    "disk fills": 'predict_linear(node_filesystem_avail_bytes{job="node-exporter",mountpoint!=""}[6h], 86400) < 0',
    "memory of the host": '100 - node_memory_MemAvailable_bytes{job="node-exporter"} / '
    'node_memory_MemTotal_bytes{job="node-exporter"} * 100 > 90',
    "free, cached and buffers": "(node_memory_MemFree_bytes + node_memory_Cached_bytes + node_memory_Buffers_bytes) / "
    "node_memory_MemTotal_bytes < 0.1",
    "volume fills": 'kubelet_volume_stats_available_bytes{job="kubelet",metrics_path="/metrics"} / '
    'kubelet_volume_stats_capacity_bytes{job="kubelet",metrics_path="/metrics"} < 0.03',
    "inodes of the volume": 'kubelet_volume_stats_inodes_free{job="kubelet"} / kubelet_volume_stats_inodes < 0.03 and '
    "kubelet_volume_stats_inodes_used > 0",
    "inodes of the container": 'container_fs_inodes_free{name!=""} / container_fs_inodes_total < 0.1',
    "device error": 'node_filesystem_device_error{fstype!~"^(fuse.*|tmpfs|cifs|nfs)"} == 1',
    "name of the node": "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes * on (instance) "
    'group_left (nodename) node_uname_info{nodename=~".+"} < 0.1',
    "swap": "(1 - node_memory_SwapFree_bytes / node_memory_SwapTotal_bytes) * 100 > 80",
    "OOM of the host": "increase(node_vmstat_oom_kill[1m]) > 0",
    "virtual memory": "process_virtual_memory_bytes > 1e12",
    "requests": 'sum by (namespace) (kube_pod_container_resource_requests{job="kube-state-metrics"}) > 9',
    "restarts of the container": "increase(kube_pod_container_status_restarts_total[1m]) > 3",
    "phase of the pod": 'kube_pod_status_phase{phase=~"Pending|Unknown|Failed"} * on (pod) kube_pod_info > 0',
    "OOM": 'increase(container_oom_events_total{name!=""}[1m]) > 0',
    "descriptors": "process_open_fds / 1000 > 0.8",
    "memory of the process": 'deriv(process_resident_memory_bytes{job="shop"}[5m]) > 0 and '
    "rate(process_cpu_seconds_total[5m]) > 0",
    "restarts": "changes(process_start_time_seconds[15m]) > 2 or changes(container_start_time_seconds[15m]) > 2",
}
CGROUP = {
    "usage_bytes": 80.0, "working_set_bytes": 70.0, "anon_bytes": 50.0, "cache_bytes": 30.0, "limit_bytes": 128.0,
    "oom_kills": 1.0, "cpu_seconds": 2.5, "periods": 10.0, "throttled_periods": 4.0, "throttled_seconds": 0.4,
}  # fmt: skip
DISK = {"size_bytes": 9.0, "used_bytes": 4.0, "free_bytes": 5.0, "avail_bytes": 4.0, "files": 9.0, "files_free": 7.0}
TREE = {"rss_bytes": 60.0, "cpu_seconds": 3.0, "threads": 4.0, "fds": 9.0, "processes": 2.0, "virtual_bytes": 90.0}


@pytest.fixture
def series(tmp_path: Path) -> Iterator[list[tuple[str, dict[str, str]]]]:
    """The names and labels of everything that is published of a service with limits."""
    limits = {"memory": "128MiB", "cpus": 1}
    target = ProcessTarget.model_validate({"name": "shop", "command": ["true"], "limits": limits})
    own = {"container": "shop"}
    recorder = Recorder(tmp_path / "history.jsonl")
    exporter = Exporter(
        recorder,
        labels=container_labels(target, own),
        more=more_labels(target, own),
        mountpoint="/var/lib/shop",
        limit_bytes=128,
        cpus=1,
        stale_after_s=60,
    )
    for reading in (CgroupResources.of(CGROUP), ProcessTree.of(TREE), FilesystemDisk.of(DISK)):
        recorder.record(reading)
    yield [(s.name, s.labels) for metric in exporter.collect() for s in metric.samples]
    recorder.close()


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_each_selector_of_a_public_rule_finds_a_series(series: list[tuple[str, dict[str, str]]], name: str) -> None:
    found = {selector: any(_matches(selector, *one) for one in series) for selector in selectors(EXPRESSIONS[name])}
    assert found
    assert [selector for selector, is_there in found.items() if not is_there] == []


def test_a_family_gets_the_labels_that_a_scenario_gives_it() -> None:
    given = {"disk": {"job": "disks", "mountpoint": "/data"}, "container": {"namespace": "shop"}}
    data: dict[str, Any] = {"name": "shop", "command": ["true"], "labels": {"team": "a"}, "series_labels": given}
    target = ProcessTarget.model_validate(data)
    own = {"team": "a", "container": "shop"}
    assert container_labels(target, own)["namespace"] == "shop"
    more = more_labels(target, own)
    assert (more.disk["job"], more.disk["mountpoint"], "team" in more.disk) == ("disks", "/data", False)
    assert more.host is None, "there is no limit that could be its size"


@pytest.mark.parametrize(
    ("rules", "family", "label", "value"),
    [
        (["node_filesystem_avail_bytes{job='node'}"], "disk", "job", "node"),
        (["node_filesystem_avail_bytes{job='nood'}"], "disk", "job", "node-exporter"),
        (
            ["node_filesystem_avail_bytes{job='node'}", "node_filesystem_files{job!='node'}"],
            "disk",
            "job",
            "node-exporter",
        ),
        (["node_filesystem_avail_bytes{mountpoint='/'}"], "disk", "mountpoint", "/"),
        (["node_filesystem_avail_bytes{mountpoint='/data'}"], "disk", "mountpoint", "/var/lib/shop"),
        (["container_memory_usage_bytes{job='cadvisor'}"], "container", "job", "cadvisor"),
    ],
)
def test_a_usual_label_is_the_one_that_the_rules_ask_for(rules: list[str], family: str, label: str, value: str) -> None:
    """A mistyped value is no usual one, and a draw leaves ours."""
    target = ProcessTarget.model_validate({"name": "shop", "command": ["true"]})
    asked = [one for expr in rules for one in selected_series(expr)]
    labels = {"container": container_labels(target, {}, asked), "disk": more_labels(target, {}, asked).disk}
    assert labels[family][label] == value


def _matches(selector: str, name: str, labels: dict[str, str]) -> bool:
    wanted, _, inside = selector.rstrip("}").partition("{")
    compare = {
        "=": lambda have, value: have == value,
        "!=": lambda have, value: have != value,
        "=~": lambda have, value: re.fullmatch(value, have) is not None,
    }
    matchers = re.findall(r'(\w+)(!=|=~|=)"([^"]*)"', inside)
    return name == wanted and all(compare[sign](labels.get(label, ""), value) for label, sign, value in matchers)
