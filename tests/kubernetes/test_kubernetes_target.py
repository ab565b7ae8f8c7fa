"""A workload as the target: limited, reached by port-forward, changed, followed, and gone without a trace."""

from __future__ import annotations

import contextlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import yaml
from api_proxy import ApiProxy
from kube_bench import IMAGE, NAMESPACE, RUN_ID, Bench, remove_namespace

from leakdrill.errors import BadInput, EnvironmentProblem, TargetNotReady
from leakdrill.meters.sampler import Sampler
from leakdrill.record.journal_header import MARK_LABEL
from leakdrill.record.stored_journal import read_journal
from leakdrill.runs.undo import clean
from leakdrill.targets.base.capabilities import (
    Autoscalable,
    Configurable,
    Copyable,
    Executable,
    Limitable,
    Logged,
    Losable,
    Restartable,
    Scalable,
    Signallable,
    Target,
)
from leakdrill.targets.kinds import find_capability
from leakdrill.targets.kubernetes.api import RUN_LABEL
from leakdrill.wait import wait_for

SHARED = "kube-test-shared"


@pytest.fixture
def bench(tmp_path):
    made = []

    def make(**changes):
        made.append(Bench(tmp_path, **changes))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def running(cluster, tmp_path_factory):  # noqa: ARG001 - without a cluster it skips
    """One target that several tests only look at, or leave as they found it."""
    this = Bench(
        tmp_path_factory.mktemp("running"), run_id=SHARED, limits={"memory": "192MiB", "cpus": 0.5, "disk": "32MiB"}
    )
    this.target.start()
    yield this
    this.close()


def pods(cluster, run_id=RUN_ID):
    return cluster.get(f"/api/v1/namespaces/leakdrill-{run_id}/pods")["items"]


def container_of(cluster):
    pod = next(p for p in pods(cluster, SHARED) if "deletionTimestamp" not in p["metadata"])
    return pod["spec"]["containers"][0]


def test_a_pod_has_the_limits_the_label_and_an_address_on_this_machine(running, cluster):
    for ability in (Target, Restartable, Logged, Executable, Limitable, Configurable, Scalable, Autoscalable):
        assert find_capability(running.target, ability)
    for ability in (Copyable, Losable, Signallable):
        assert find_capability(running.target, ability)
    container = container_of(cluster)
    assert container["resources"]["limits"] == {"memory": str(192 << 20), "cpu": "500m"}
    assert container["resources"]["requests"] == {"memory": str(192 << 20), "cpu": "100m"}
    assert pods(cluster, SHARED)[0]["metadata"]["labels"][RUN_LABEL] == SHARED
    assert httpx.get(running.target.base_url + "/health").json()["status"] == "ok"


def test_many_connections_at_once_are_carried(running):
    def ask(number):
        with httpx.Client(base_url=running.target.base_url, timeout=30) as client:
            return [
                client.post("/predict", json={"data": [[1.0]], "key": f"{number}-{n}"}).status_code for n in range(10)
            ]

    with ThreadPoolExecutor(40) as pool:
        answers = [status for statuses in pool.map(ask, range(40)) for status in statuses]
    assert answers == [200] * 400


def test_every_meter_reads(running):
    meters = running.target.meters()
    sampler = Sampler(meters, running.recorder)
    sampler.start()
    try:
        for source in ("cgroup", "process", "filesystem", "kubelet", "service", "pod"):
            wait_for(
                lambda source=source: [e for e in running.events(source=source, kind="sample") if e.value],
                what=f"a reading of {source}",
                timeout_s=60,
            )
    finally:
        sampler.stop()
    (first, *_) = [e for e in running.events(source="cgroup", name="resources") if e.value]
    assert first.value["limit_bytes"] == 192 << 20


def test_a_command_runs_in_the_pod_and_its_output_is_kept(running, tmp_path):
    output = tmp_path / "output.txt"
    command = ["{python}", "-c", "print('inside'); raise SystemExit(7)"]
    assert running.target.shell.execute(command, output=output, timeout_s=20) == 7
    assert output.read_text() == "inside\n"
    with pytest.raises(EnvironmentProblem, match="still running"):
        running.target.shell.execute(["sleep", "30"], output=output, timeout_s=0.5)
    assert running.target.shell.execute(["no-such-program"], output=output, timeout_s=5) == 127


def test_files_are_copied_out_of_the_pod(running):
    assert Path(running.step(copy_out={"path": "/etc/hostname"})["file"]).read_text().startswith("inference-gateway-")
    httpx.post(running.target.base_url + "/predict", json={"data": [[1.0]]})
    wait_for(lambda: running.target.shell.file("gateway.log").is_file(), what="a log", timeout_s=10)
    assert "/predict" in Path(running.step(copy_out={"path": "gateway.log"})["file"]).read_text()
    with pytest.raises(BadInput, match="outside of the target's disk"):
        running.target.shell.file("/etc/passwd")


def test_limits_are_rolled_out_at_the_same_address(running, cluster):
    before = running.target.base_url
    running.step(set_limits={"memory": "256MiB", "cpus": 0.75})
    assert container_of(cluster)["resources"]["limits"] == {"memory": str(256 << 20), "cpu": "750m"}
    assert running.target.base_url == before
    assert httpx.get(before + "/health").is_success
    assert not running.events(source="target", name="exited")


def test_variables_are_rolled_out(running, cluster):
    running.step(set_env={"COLOUR": "blue"})
    assert {"name": "COLOUR", "value": "blue"} in container_of(cluster)["env"]


def test_a_deleted_pod_is_replaced(running):
    (deleted,) = running.step(delete_pod={"which": "oldest"})["pods"].split()
    assert deleted not in running.target.scaling.replica_urls()
    assert httpx.get(running.target.base_url + "/health").is_success
    assert not running.events(source="target", name="exited")


def test_replicas_come_and_new_connections_are_spread_over_them(running):
    running.step(scale={"replicas": 3})
    urls = running.target.scaling.replica_urls()
    assert len(set(urls)) == 3
    for _ in range(6):
        assert httpx.post(running.target.base_url + "/predict", json={"data": [[1.0]]}).is_success
    running.step(scale={"replicas": 1})
    assert len(running.target.scaling.replica_urls()) == 1
    assert not running.events(source="target", name="exited")


def test_an_autoscaler_is_applied_and_says_what_it_cannot_go_by(running, cluster):
    facts = running.step(autoscale={"min": 2, "max": 3, "memory": "80%"})
    (found,) = cluster.get(f"/apis/autoscaling/v1/namespaces/{running.target.namespace}/horizontalpodautoscalers")[
        "items"
    ]
    assert (found["spec"]["minReplicas"], found["spec"]["maxReplicas"]) == (2, 3)
    assert len(running.target.scaling.replica_urls()) == 2
    assert "no metrics server" in facts.get("remark", "no metrics server")


def test_an_over_fed_pod_is_killed_and_comes_back_and_the_record_says_so(bench):
    this = bench(limits={"memory": "64MiB"})
    this.target.start()
    this.post("/admin/leaks", **{"unbounded-cache": True})
    keys = iter(range(100_000))

    def feed(client):
        with contextlib.suppress(httpx.HTTPError):
            for _ in range(100):
                client.post("/predict", json={"data": [[1.0]], "key": str(next(keys))})
        return this.events(source="target", name="exited") or None

    with httpx.Client(base_url=this.target.base_url, timeout=5) as client:
        (ended, *_) = wait_for(lambda: feed(client), what="the OOM kill", timeout_s=120)
    assert ended.labels["oom_kill"] == "true"
    assert ended.labels["signal"] == "SIGKILL"
    wait_for(
        lambda: [e for e in this.events(source="target", name="ready") if e.t > ended.t],
        what="its return",
        timeout_s=90,
    )


def test_a_pod_that_no_node_can_take_is_said(bench):
    this = bench(limits={"memory": "64TiB"}, ready={"timeout": "4s"})
    with pytest.raises(TargetNotReady, match=r"cannot be scheduled: .*Insufficient memory") as raised:
        this.target.start()
    assert "lower target.limits" in raised.value.hint
    assert [e for e in this.events(source="target", name="trouble") if "Insufficient memory" in e.value]


def test_a_card_that_no_node_has_is_said_in_the_schedulers_words(bench):
    this = bench(gpu={"devices": [0]}, ready={"timeout": "4s"})
    with pytest.raises(TargetNotReady, match=r"cannot be scheduled: .*Insufficient nvidia.com/gpu") as raised:
        this.target.start()
    assert "device plugin" in raised.value.hint


def test_a_container_that_ends_again_and_again_is_said_with_its_last_line(bench):
    command = ["python", "-c", "print('no luck'); raise SystemExit(3)"]
    this = bench(kubernetes={"command": command, "image": IMAGE})
    with pytest.raises(TargetNotReady, match=r"(?s)CrashLoopBackOff.*exit status 3.*no luck"):
        this.target.start()


def test_an_image_that_is_not_there_is_said(bench):
    this = bench(kubernetes={"image": "leakdrill-no-such-image", "pull": "Never"})
    with pytest.raises(TargetNotReady, match="ErrImageNeverPull") as raised:
        this.target.start()
    assert "leakdrill docs kubernetes" in raised.value.hint


def test_what_a_killed_drill_left_is_removed_from_its_journal_alone(bench, cluster):
    this = bench()
    this.target.start()
    assert pods(cluster)
    assert clean(this.folder / "journal.jsonl") == []
    assert cluster.find(f"/api/v1/namespaces/{NAMESPACE}") is None


def test_a_namespace_without_the_label_is_left_alone(bench, cluster):
    this = bench()
    cluster.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    try:
        with pytest.raises(EnvironmentProblem, match="already exists"):
            this.target.start()
        assert cluster.find(f"/api/v1/namespaces/{NAMESPACE}")["status"]["phase"] == "Active"
    finally:
        remove_namespace(cluster, NAMESPACE)
        this.journal.undone(this.journal.pending()[0]) if this.journal.pending() else None


def test_an_api_server_that_went_away_is_named_and_what_is_left_stays_in_the_journal(tmp_path, monkeypatch):
    real = os.environ["KUBECONFIG"]
    proxy = ApiProxy(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(proxy.kubeconfig))
    this = Bench(tmp_path)
    this.target.start()
    proxy.cut()
    wait_for(lambda: this.target.lost, what="the loss to be seen", timeout_s=30)
    reasons = [str(problem) for problem in clean(tmp_path / "journal.jsonl")]
    assert [reason for reason in reasons if "namespace" in reason and "does not answer" in reason]
    assert "namespace" in [entry.kind for entry in read_journal(tmp_path / "journal.jsonl")]
    again = ApiProxy(tmp_path, port=proxy.port, real=real)
    try:
        assert clean(tmp_path / "journal.jsonl") == []
    finally:
        again.cut()
        this.target.stop()
        this.recorder.close()
        this.journal.close()


def manifests(folder, **spec):
    labels = {"app": "shop"}
    container = {"name": "web", "image": IMAGE, "imagePullPolicy": "IfNotPresent"}
    workload = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            **spec,
        },
    }
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"colour": "blue"}}
    file = folder / "shop.yaml"
    file.write_text(yaml.safe_dump_all([settings, workload]))
    return workload, file.name


def test_manifests_of_ones_own_run_in_the_namespace_of_the_run(bench, tmp_path, cluster):
    _, name = manifests(tmp_path)
    this = bench(kubernetes={"manifests": [name]})
    this.target.start()
    assert cluster.find(f"/api/v1/namespaces/{NAMESPACE}/configmaps/settings")["data"] == {"colour": "blue"}
    assert this.post("/admin/leaks", **{"unbounded-cache": True}).is_success
    this.target.restart()
    assert not this.events(source="target", name="exited")


def test_a_manifest_that_would_outlive_the_run_is_refused(bench, tmp_path):
    (tmp_path / "ns.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: somebody-elses}\n")
    _, name = manifests(tmp_path)
    this = bench(kubernetes={"manifests": [name, "ns.yaml"]})
    with pytest.raises(BadInput, match="Namespace/somebody-elses lives outside of any namespace"):
        this.target.start()


def test_a_workload_in_staging_is_changed_and_put_back(bench, tmp_path, cluster):
    workload, _ = manifests(tmp_path)
    staging = "kube-test-staging"
    cluster.create("/api/v1/namespaces", {"metadata": {"name": staging}})
    path = f"/apis/apps/v1/namespaces/{staging}/deployments"
    try:
        before = cluster.create(path, workload)["spec"]
        existing = {"context": cluster.context, "namespace": staging, "deployment": "shop"}
        this = bench(kubernetes={"existing": existing}, container=None)
        this.target.start()
        this.step(set_limits={"memory": "200MiB"})
        this.step(scale={"replicas": 2})
        this.step(autoscale={"min": 2, "max": 3, "cpu": "80%"})
        assert cluster.get(f"{path}/shop")["spec"]["replicas"] == 2
        this.target.stop()
        assert json.dumps(cluster.get(f"{path}/shop")["spec"], sort_keys=True) == json.dumps(before, sort_keys=True)
        assert not cluster.get(f"/apis/autoscaling/v1/namespaces/{staging}/horizontalpodautoscalers")["items"]
    finally:
        remove_namespace(cluster, staging)


def test_a_killed_drill_in_staging_is_undone_and_what_others_changed_stays(bench, tmp_path, cluster):
    """What the drill set goes; what another has changed since stays; so does a decoy beside it."""
    workload, _ = manifests(tmp_path)
    staging = "kube-test-staging"
    cluster.create("/api/v1/namespaces", {"metadata": {"name": staging}})
    path = f"/apis/apps/v1/namespaces/{staging}/deployments"
    try:
        cluster.create(path, workload)
        decoy = {**workload, "metadata": {"name": "decoy", "labels": {RUN_LABEL: SHARED}}}
        decoy["spec"] = {**workload["spec"], "replicas": 0}
        cluster.create(path, decoy)
        existing = {"context": cluster.context, "namespace": staging, "deployment": "shop"}
        this = bench(kubernetes={"existing": existing}, container=None)
        this.target.start()
        journal, before = this.folder / "journal.jsonl", cluster.get(f"{path}/shop")
        beside = cluster.get(f"{path}/decoy")["spec"]
        this.step(scale={"replicas": 2})
        cluster.patch(f"{path}/shop", {"spec": {"revisionHistoryLimit": 7}})
        assert clean(journal) == []
        after = cluster.get(f"{path}/shop")
        assert after["spec"] == {**before["spec"], "revisionHistoryLimit": 7}
        assert not {MARK_LABEL, RUN_LABEL} & after["metadata"]["annotations"].keys()
        assert clean(journal) == []
        this.step(scale={"replicas": 2})
        cluster.patch(f"{path}/shop", {"spec": {"replicas": 3}})
        (problem,) = this.target._take_back(this.target._pending()) or clean(journal)
        assert "replicas was 1, the drill set 2, and it is 3 now; that was left" in str(problem)
        assert cluster.get(f"{path}/shop")["spec"]["replicas"] == 3
        cluster.patch(f"{path}/shop", {"spec": {"replicas": 1}})
        assert cluster.get(f"{path}/decoy")["spec"] == beside
    finally:
        remove_namespace(cluster, staging)
