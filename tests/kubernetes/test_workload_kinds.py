"""StatefulSets and DaemonSets: replaced in turn, told apart by UID, put back as they were."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from kube_bench import RUN_ID, Bench, remove_namespace

from drills import drill, record, verdicts
from leakdrill.errors import BadInput, TargetNotReady
from leakdrill.record.events import PodResources
from leakdrill.record.journal_header import MARK_LABEL
from leakdrill.runs.undo import clean
from leakdrill.scenario.steps import Step
from leakdrill.wait import wait_for

HERE = Path(__file__).parent
STAGING = "kube-test-staging"


@pytest.fixture
def bench(tmp_path):
    made = []

    def make(**kubernetes):
        made.append(Bench(tmp_path, run_id=RUN_ID, container=None, kubernetes=kubernetes))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def staging(cluster):
    """A namespace that is not the run's, with what is in both files."""
    cluster.create("/api/v1/namespaces", {"metadata": {"name": STAGING}})
    for name in ("queue", "agent"):
        for manifest in yaml.safe_load_all((HERE / f"{name}.yaml").read_text()):
            cluster.create(collection(manifest["kind"]), manifest)
    yield cluster
    remove_namespace(cluster, STAGING)


def collection(kind):
    group = "/api/v1" if kind in ("Service", "Pod") else "/apis/apps/v1"
    return f"{group}/namespaces/{STAGING}/{kind.lower()}s"


def uids(target):
    return {pod.name: pod.uid for pod in target._deployed.follower.watcher.look() if not pod.leaving}


@pytest.mark.parametrize("name", ["stateful-set", pytest.param("daemon-set", marks=pytest.mark.long)])
def test_a_leak_in_each_is_found_and_another_pod_cures_it(tmp_path, name):
    process = drill(str(HERE / f"{name}.yaml"), tmp_path)
    out, _ = process.communicate(timeout=170)
    assert process.returncode == 0, out
    assert verdicts(tmp_path)["alert_fires_in_time", "HighMemoryUsage{severity=warning}"] == "PASS"
    pods = {event.pod for event in record(tmp_path).of(PodResources)}
    assert pods == {"queue-0"} if name == "stateful-set" else len(pods) == 2


def test_a_stateful_set_that_a_step_broke_serves_again_once_it_is_put_back(bench, staging):
    """Without its pod deleted it would wait for ever for the one that no node can take."""
    path = f"/apis/apps/v1/namespaces/{STAGING}/statefulsets/queue"
    this = bench(existing={"context": staging.context, "namespace": STAGING, "statefulset": "queue"})
    this.target.start()
    first, before = uids(this.target), staging.get(path)["spec"]
    this.target._deployed.ready = this.target._deployed.ready.model_copy(update={"timeout": 4.0})
    with pytest.raises(TargetNotReady, match=r"statefulset queue.* cannot be scheduled"):
        this.target.settings.set_limits(memory_bytes=64 << 40, cpus=None)
    assert clean(this.folder / "journal.jsonl") == []
    wait_for(lambda: staging.get(path)["status"].get("readyReplicas") == 1, what="its pod", timeout_s=60)
    assert staging.get(path)["spec"] == before
    assert MARK_LABEL not in staging.get(path)["metadata"].get("annotations", {})
    second = uids(this.target)
    assert second.keys() == first.keys() == {"queue-0"}
    assert second != first, "another pod of the same name"


def test_what_a_killed_drill_changed_of_a_daemon_set_is_put_back(bench, staging):
    path = f"/apis/apps/v1/namespaces/{STAGING}/daemonsets/agent"
    wait_for(lambda: staging.get(path)["status"].get("numberReady") == 1, what="its pod", timeout_s=60)
    this = bench(existing={"context": staging.context, "namespace": STAGING, "daemonset": "agent"})
    with pytest.raises(BadInput, match=r"steps\[0\].scale: DaemonSet agent: a DaemonSet has one pod on each node"):
        this.target.check_steps([Step.model_validate({"name": "a", "scale": {"replicas": 2}})])
    this.target.start()
    before = staging.get(path)["spec"]
    this.step(set_env={"COLOUR": "blue"})
    assert clean(this.folder / "journal.jsonl") == []
    assert staging.get(path)["spec"] == before
    assert MARK_LABEL not in staging.get(path)["metadata"].get("annotations", {})
