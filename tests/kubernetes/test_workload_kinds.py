"""StatefulSets and DaemonSets: replaced in turn, told apart by UID, put back as they were."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import yaml
from kube_bench import RUN_ID, Bench, remove_namespace

from drills import cleaned, drill, record, verdicts, wait_for_phase
from leakdrill.errors import BadInput, TargetNotReady
from leakdrill.record.events import PodResources
from leakdrill.record.journal_header import MARK_LABEL
from leakdrill.runs.undo import clean
from leakdrill.scenario.steps import Step
from leakdrill.wait import wait_for

HERE = Path(__file__).parent
STAGING = "kube-test-staging"
EXPECTED = {("alert_fires_in_time", "HighMemoryUsage{severity=warning}"): "PASS"}


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


def test_pods_of_a_stateful_set_come_back_under_their_names_and_are_told_apart(bench):
    this = bench(manifests=[str(HERE / "queue.yaml")])
    this.target.start()
    first = uids(this.target)
    assert set(first) == {"queue-0", "queue-1"}
    this.target.restart()
    second = uids(this.target)
    assert second.keys() == first.keys()
    assert not set(second.values()) & set(first.values()), "all of them are new"
    assert this.step(delete_pod={"which": "oldest"})["pods"] in second
    third = uids(this.target)
    assert third.keys() == first.keys()
    assert len(set(third.values()) & set(second.values())) == 1
    this.step(scale={"replicas": 3})
    assert set(uids(this.target)) == {"queue-0", "queue-1", "queue-2"}
    this.step(scale={"replicas": 1})
    assert set(uids(this.target)) == {"queue-0"}
    assert this.post("/admin/leaks", **{"unbounded-cache": True}).is_success, "its token is the run's"
    assert not this.events(source="target", name="exited")


def test_a_daemon_set_is_restarted_and_limited_and_has_no_number(bench, cluster):
    this = bench(manifests=[str(HERE / "agent.yaml")])
    with pytest.raises(BadInput, match=r"steps\[0\].scale: DaemonSet agent: a DaemonSet has one pod on each node"):
        this.target.check_steps([Step.model_validate({"name": "a", "scale": {"replicas": 2}})])
    this.target.start()
    first = uids(this.target)
    assert len(first) == len(cluster.get("/api/v1/nodes")["items"])
    this.step(set_limits={"memory": "200MiB"})
    assert not set(uids(this.target).values()) & set(first.values())
    (container,) = this.target._deployed.follower.workload.get()["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["memory"] == str(200 << 20)
    this.step(kill={"match": "leaky_apps"})
    wait_for(lambda: this.events(source="target", name="exited"), what="its end", timeout_s=30)


@pytest.mark.parametrize(("kind", "name"), [("statefulset", "queue"), ("daemonset", "agent")])
def test_what_a_killed_drill_changed_in_staging_is_put_back(bench, staging, kind, name):
    path = f"/apis/apps/v1/namespaces/{STAGING}/{kind}s/{name}"
    this = bench(existing={"context": staging.context, "namespace": STAGING, kind: name})
    this.target.start()
    before = staging.get(path)["spec"]
    this.step(set_limits={"memory": "200MiB"})
    if kind == "statefulset":
        this.step(scale={"replicas": 3})
    assert clean(this.folder / "journal.jsonl") == []
    after = staging.get(path)
    assert after["spec"] == before
    assert MARK_LABEL not in after["metadata"].get("annotations", {})


def test_a_stateful_set_that_a_step_broke_serves_again_once_it_is_put_back(bench, staging):
    """Without its pods deleted it waits for ever for the one that no node can take."""
    path = f"/apis/apps/v1/namespaces/{STAGING}/statefulsets/queue"
    this = bench(existing={"context": staging.context, "namespace": STAGING, "statefulset": "queue"})
    this.target.start()
    this.target._deployed.ready = this.target._deployed.ready.model_copy(update={"timeout": 4.0})
    with pytest.raises(TargetNotReady, match=r"cannot be scheduled|1 of 2 pods"):
        this.target.settings.set_limits(memory_bytes=64 << 40, cpus=None)
    assert clean(this.folder / "journal.jsonl") == []
    wait_for(lambda: staging.get(path)["status"].get("readyReplicas") == 2, what="both pods", timeout_s=60)


@pytest.mark.parametrize("name", ["stateful-set", "daemon-set"])
def test_a_leak_in_each_is_found_and_a_restart_cures_it(tmp_path, name):
    process = drill(str(HERE / f"{name}.yaml"), tmp_path)
    out, _ = process.communicate(timeout=170)
    assert process.returncode == 0, out
    assert verdicts(tmp_path).items() >= EXPECTED.items()
    assert record(tmp_path).of(PodResources)


def test_a_killed_drill_on_a_stateful_set_leaves_nothing(tmp_path, cluster):
    process = drill(str(HERE / "stateful-set.yaml"), tmp_path)
    wait_for_phase(tmp_path, "load")
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    cleaned(tmp_path)
    assert not cluster.get("/apis/apps/v1/statefulsets", labelSelector="leakdrill.run")["items"]
