"""StatefulSets and DaemonSets: found in manifests, when they are rolled out, which steps they cannot do, put back."""

from __future__ import annotations

import copy
import itertools
import json
from types import SimpleNamespace

import pytest

from leakdrill.errors import BadInput, TargetNotReady
from leakdrill.runs.drill.plan_check import check_plan
from leakdrill.scenario.kubernetes import ExistingWorkload
from leakdrill.scenario.reader import read_scenario
from leakdrill.scenario.steps import Step
from leakdrill.targets.kubernetes.claims import make_claims, new_claims
from leakdrill.targets.kubernetes.found_workload import FoundWorkload
from leakdrill.targets.kubernetes.manifests import read_manifests, service_container, with_env, workload_of
from leakdrill.targets.kubernetes.pod import parse_pod
from leakdrill.targets.kubernetes.rollout import Rollout
from leakdrill.targets.kubernetes.step_check import impossible_steps
from leakdrill.targets.kubernetes.stuck_pods import delete_stuck_pods
from leakdrill.targets.kubernetes.workload import selector_text, state_of
from leakdrill.targets.kubernetes.workload_kind import (
    DAEMON_SET,
    STATEFUL_SET,
    kind_at,
    kind_called,
    why_none_is_replaced,
    why_some_stay,
)

QUEUE = """\
apiVersion: v1
kind: Service
metadata: {name: queue}
spec: {clusterIP: None, selector: {app: queue}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: queue}
spec:
  serviceName: queue
  replicas: 3
  selector: {matchLabels: {app: queue}}
  template:
    metadata: {labels: {app: queue}}
    spec:
      containers:
        - {name: queue, image: queue, env: [{name: A, value: "1"}, {name: B, value: "2"}]}
        - {name: exporter, image: exporter}
"""
AGENT = """\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: queue}
spec: {template: {spec: {containers: [{name: agent, image: agent}]}}}
"""
JOB = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: report}\nspec: {template: {spec: {containers: [{name: a}]}}}\n"


def read(folder, text, name="queue.yaml"):
    (folder / name).write_text(text)
    return read_manifests([folder / name])


def stateful(**spec):
    full = {"replicas": 3, "selector": {"matchLabels": {"app": "queue"}}, "template": {"spec": {}}, **spec}
    status = {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3}
    return {"metadata": {"name": "queue", "generation": 2}, "spec": full, "status": status}


def test_a_stateful_set_is_found_beside_its_service_and_gets_its_environment(tmp_path):
    chosen = workload_of(read(tmp_path, QUEUE), None)
    assert (chosen.kind, str(chosen), chosen.place) == (STATEFUL_SET, "StatefulSet/queue", f"{tmp_path}/queue.yaml:6")
    assert service_container(chosen.data, None) == "queue"
    with pytest.raises(BadInput, match='has no container "shop"; expected one of queue, exporter'):
        service_container(chosen.data, "shop")
    made = with_env(chosen.data, "queue", [{"name": "B", "value": "3"}])
    first, second = made["spec"]["template"]["spec"]["containers"]
    assert first["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "3"}]
    assert "env" not in second


@pytest.mark.parametrize("name", ["daemonset/queue", "ds/queue", "DaemonSet/queue"])
def test_of_two_workloads_with_one_name_the_kind_tells_which(tmp_path, name):
    found = read(tmp_path, QUEUE + "---\n" + AGENT)
    assert workload_of(found, name).kind is DAEMON_SET
    with pytest.raises(BadInput, match=r"found StatefulSet/queue \(.*:6\), DaemonSet/queue \(.*:20\)"):
        workload_of(found, "queue")


def test_what_cannot_be_drilled_is_named_with_its_line(tmp_path):
    with pytest.raises(BadInput, match=r"found Job/report \(.*queue.yaml:1\); expected one Deployment, StatefulSet or"):
        workload_of(read(tmp_path, JOB), None)
    rollout = JOB.replace("batch/v1", "argoproj.io/v1alpha1").replace("Job", "Deployment")
    with pytest.raises(BadInput, match=r"found Deployment/report"):
        workload_of(read(tmp_path, rollout), None)
    bare = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec: {template: {}}\n"
    with pytest.raises(BadInput, match=r"queue.yaml:1: StatefulSet/a: spec.template.spec.containers: expected"):
        workload_of(read(tmp_path, bare), None)


def test_objects_of_a_list_and_the_files_of_a_folder_are_read(tmp_path):
    listed = {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Service", "metadata": {}}]}
    (tmp_path / "a.json").write_text(json.dumps(listed, indent=1))
    with pytest.raises(BadInput, match=r"a.json:5: metadata.name: found none"):
        read_manifests([tmp_path])
    listed["items"][0]["metadata"] = {"name": "queue"}
    (tmp_path / "a.json").write_text(json.dumps(listed))
    (tmp_path / "b.yml").write_text(AGENT)
    (tmp_path / "notes.txt").write_text("a: [")
    assert [str(one) for one in read_manifests([tmp_path])] == ["Service/queue", "DaemonSet/queue"]


def test_what_must_be_rendered_first_is_named_with_the_command(tmp_path):
    (tmp_path / "kustomization.yaml").write_text("resources: [a.yaml]\n")
    for path in (tmp_path, tmp_path / "kustomization.yaml"):
        with pytest.raises(BadInput, match=r"kustomization.yaml: is a kustomization") as raised:
            read_manifests([path])
        assert "kubectl kustomize" in raised.value.hint
    with pytest.raises(BadInput, match=r"queue.yaml:3: is a template of a Helm chart"):
        read(tmp_path, "apiVersion: v1\nkind: Service\nmetadata: {name: {{ .Release.Name }}}\n")


def test_scalars_of_a_manifest_are_those_that_kubectl_reads(tmp_path):
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {built: 2026-01-01, at: 12:30:00}}\n"
    (made,) = read(tmp_path, text + "spec: {hostNetwork: yes, defaultMode: 0644}\n")
    assert made.data["metadata"]["annotations"] == {"built": "2026-01-01", "at": "12:30:00"}
    assert made.data["spec"] == {"hostNetwork": True, "defaultMode": 0o644}


@pytest.mark.parametrize(("field", "late"), [("updatedReplicas", 2), ("replicas", 4), ("readyReplicas", 2)])
def test_a_stateful_set_is_rolled_out_when_every_pod_is_new_and_ready(field, late):
    done = stateful()
    assert STATEFUL_SET.rolled_out(done)
    done["status"][field] = late
    assert not STATEFUL_SET.rolled_out(done)


def test_pods_that_a_partition_keeps_are_not_waited_for():
    some = stateful(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}})
    some["status"]["updatedReplicas"] = 1
    assert STATEFUL_SET.rolled_out(some)
    assert why_some_stay(some) == "its partition keeps the pods before queue-2 as they are, whatever is rolled out"
    some["status"]["updatedReplicas"] = 0
    assert not STATEFUL_SET.rolled_out(some)
    numbered = stateful(
        ordinals={"start": 10}, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 12}}
    )
    numbered["status"]["updatedReplicas"] = 1
    assert STATEFUL_SET.rolled_out(numbered)


def test_a_daemon_set_is_rolled_out_when_each_node_that_fits_has_its_pod():
    status = {"observedGeneration": 1, "desiredNumberScheduled": 2, "currentNumberScheduled": 2}
    status |= {"updatedNumberScheduled": 2, "numberAvailable": 2}
    agent = {"metadata": {"generation": 1}, "spec": {}, "status": status}
    assert DAEMON_SET.rolled_out(agent)
    assert DAEMON_SET.wanted_pods(agent) == 2
    for field, value in {"updatedNumberScheduled": 1, "numberAvailable": 1, "observedGeneration": 0}.items():
        assert not DAEMON_SET.rolled_out({**agent, "status": {**status, field: value}})
    nowhere = dict.fromkeys(status, 0) | {"observedGeneration": 1}
    assert not DAEMON_SET.rolled_out({**agent, "status": nowhere}), "no node takes its pods"


class Pods:
    """What a workload and its watcher tell, one look after the other: at first the old pod is on its way out."""

    kind = STATEFUL_SET

    def __init__(self, looks):
        self.looks, self.manifest = iter(looks), stateful(replicas=1)
        self.manifest["status"] = {}

    def get(self):
        return self.manifest

    def look(self):
        leaving, ready = next(self.looks)
        meta = {"name": "queue-0", "uid": "u", **({"deletionTimestamp": "now"} if leaving else {})}
        if ready:
            self.manifest["status"] = stateful(replicas=1)["status"] | {"replicas": 1, "readyReplicas": 1}
            self.manifest["status"]["updatedReplicas"] = 1
        return (parse_pod({"metadata": meta, "status": {"conditions": [{"type": "Ready", "status": str(ready)}]}}),)

    def last_lines(self, _):
        return []


@pytest.mark.parametrize(("leaving", "comes"), [(True, True), (False, False)])
def test_what_an_old_pod_takes_to_go_is_not_counted_against_the_new_one(leaving, comes, monkeypatch):
    clock = itertools.count(0.0, 10.0)
    monkeypatch.setattr(
        "leakdrill.targets.kubernetes.rollout.time", SimpleNamespace(monotonic=lambda: next(clock), sleep=bool)
    )
    pods = Pods([(leaving, False)] * 5 + [(False, True)])
    wait = Rollout(pods, pods, pods, subject="target", timeout_s=25.0).wait
    if comes:
        wait()
        return
    with pytest.raises(TargetNotReady, match="0 of 1 pods are ready"):
        wait()


def steps(*actions):
    return [Step.model_validate({"name": "a", **action}) for action in actions]


ALL = steps(
    {"restart": {}},
    {"set_limits": {"memory": "1GiB"}},
    {"set_env": {"A": "b"}},
    {"scale": {"replicas": 2}},
    {"autoscale": {"max": 3, "cpu": "80%"}},
    {"delete_pod": {}},
)


def refused(kind, manifest, **more):
    return {action: why for _, action, why in impossible_steps(ALL, kind, manifest, **more)}


def test_a_daemon_set_has_no_number_to_choose():
    assert set(refused(DAEMON_SET, None)) == {"scale", "autoscale"}
    assert "one pod on each node" in refused(DAEMON_SET, None)["scale"]
    assert refused(STATEFUL_SET, stateful()) == {}


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"updateStrategy": {"type": "OnDelete"}}, "its updateStrategy is OnDelete"),
        ({"updateStrategy": {"rollingUpdate": {"partition": 3}}}, "its partition of 3 keeps all of its 3 pods"),
        ({"paused": True}, "it is paused"),
    ],
)
def test_steps_that_would_reach_no_pod_are_refused(spec, why):
    assert why in str(why_none_is_replaced(stateful(**spec)))
    found = refused(STATEFUL_SET, stateful(**spec))
    assert set(found) == {"restart", "set_limits", "set_env"}
    assert "`delete_pod` does" in found["restart"]


def test_volumes_that_were_there_before_the_run_are_not_put_at_risk():
    claims = {"volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"resources": {}}}]}
    assert set(refused(STATEFUL_SET, stateful(**claims), existing=True)) == {"autoscale"}
    deleted = {**claims, "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}}
    assert set(refused(STATEFUL_SET, stateful(**deleted), existing=True)) == {"autoscale", "scale"}
    assert refused(STATEFUL_SET, stateful(**deleted)) == {}, "what the run made goes with its namespace"
    made = list(new_claims(stateful(**claims), 5))
    assert [one["metadata"]["name"] for one in made] == ["data-queue-3", "data-queue-4"]
    assert made[0]["metadata"]["labels"] == {"app": "queue"}
    assert list(new_claims(stateful(**claims), 3)) == []


SCENARIO = """\
name: test/plan
target: {name: queue, kind: kubernetes, kubernetes: {KUBERNETES}}
load: {locustfile: locustfile.py}
phases: {warmup: 1s, baseline: 5s, load: 30s, mitigate: 5s, recover: 10s}
steps:
  - {name: more, scale: {replicas: 5}}
  - {name: again, restart: {}}
"""


@pytest.mark.parametrize(
    ("form", "manifest", "says"),
    [
        ("manifests: [q.yaml]", AGENT, r":6: steps\[0\].scale: DaemonSet \(.*q.yaml:1\): a DaemonSet has one pod on"),
        ("existing: {context: c, namespace: n, daemonset: q}", "", r":6: steps\[0\].scale: DaemonSet: a DaemonSet has"),
        (
            "manifests: [q.yaml]",
            QUEUE.replace("replicas: 3", "updateStrategy: {type: OnDelete}"),
            r":7: steps\[1\].restart: StatefulSet \(.*q.yaml:6\): its updateStrategy is OnDelete",
        ),
        ("manifests: [q.yaml]", JOB, r":2: target.kubernetes.manifests: found Job/report \(.*q.yaml:1\)"),
        ("manifests: [q.yaml], container: web", QUEUE, r":2: target.kubernetes.container: .* has no container \"web\""),
        ("manifests: [q.yaml]", "a: [\n", r"q.yaml:1: not YAML"),
    ],
)
def test_what_a_workload_cannot_do_is_said_before_the_start_with_file_and_line(tmp_path, form, manifest, says):
    (tmp_path / "q.yaml").write_text(manifest)
    (tmp_path / "locustfile.py").touch()
    path = tmp_path / "plan.yaml"
    path.write_text(SCENARIO.replace("KUBERNETES", form))
    with pytest.raises(BadInput, match=says):
        check_plan(path, read_scenario(path))


@pytest.mark.parametrize("kind", ["deployment", "statefulset", "daemonset"])
def test_a_workload_that_runs_already_is_of_one_kind(kind):
    found = ExistingWorkload.model_validate({"context": "c", "namespace": "n", kind: "web"})
    assert (found.kind, found.name) == (kind, "web")
    with pytest.raises(ValueError, match="expected one of deployment, statefulset, daemonset, pod; found none"):
        ExistingWorkload.model_validate({"context": "c", "namespace": "n"})
    with pytest.raises(ValueError, match="found deployment, daemonset"):
        ExistingWorkload.model_validate({"context": "c", "namespace": "n", "deployment": "a", "daemonset": "a"})


@pytest.mark.parametrize("kind", ["job", "cronjob", "replicaset"])
def test_what_no_drill_can_be_run_on_is_refused_with_the_reason(kind):
    with pytest.raises(ValueError, match=f"{kind}: .*; expected one of deployment, statefulset, daemonset"):
        ExistingWorkload.model_validate({"context": "c", "namespace": "n", kind: "web"})


def test_a_selector_is_written_with_all_that_it_asks_for():
    expressions = [
        {"key": "tier", "operator": "In", "values": ["a", "b"]},
        {"key": "x", "operator": "NotIn", "values": ["c"]},
        {"key": "y", "operator": "Exists"},
        {"key": "z", "operator": "DoesNotExist"},
    ]
    text = selector_text({"matchLabels": {"app": "web"}, "matchExpressions": expressions})
    assert text == "app=web,tier in (a,b),x notin (c),y,!z"


def test_what_a_drill_may_change_of_a_workload():
    path = STATEFUL_SET.path("shop", "queue")
    assert state_of(stateful(), path) == {"replicas": 3, "template": {"spec": {}}}
    assert state_of(stateful(), DAEMON_SET.path("shop", "queue")) == {"template": {"spec": {}}}
    assert kind_at(path) is kind_called("sts") is STATEFUL_SET
    with pytest.raises(ValueError, match="expected a Deployment, StatefulSet or DaemonSet"):
        kind_at("/api/v1/namespaces/shop/pods/web")


class OneSet:
    """An API server that knows one StatefulSet and its pods, and notes what is deleted."""

    def __init__(self, manifest, pods):
        self.manifest, self.pods, self.deleted = manifest, pods, []

    def get(self, path, **_):
        return {"items": self.pods} if path.endswith("/pods") else self.manifest

    def delete(self, path, *, uid):
        self.deleted.append((path.rpartition("/")[2], uid))


class FewObjects:
    """An API server with some objects, which notes what is made, and a place that does the same."""

    context, namespace, existing = "staging", "shop", True

    def __init__(self, *paths, manifest=None):
        self.objects, self.made = {path: manifest or {} for path in paths}, []

    def find(self, path):
        return self.objects.get(path)

    def make_object(self, where, manifest):
        self.made.append(f"{where}/{manifest['metadata']['name']}")


def test_claims_that_are_there_already_are_not_made_again():
    where = "/api/v1/namespaces/shop/persistentvolumeclaims"
    both = FewObjects(f"{where}/data-queue-3", manifest={"kind": "PersistentVolumeClaim"})
    claims = [{"metadata": {"name": "data"}, "spec": {}}]
    make_claims(both, both, stateful(volumeClaimTemplates=claims), 5)
    assert both.made == [f"{where}/data-queue-4"]


def found(cluster, **kind):
    existing = ExistingWorkload.model_validate({"context": "staging", "namespace": "shop", **kind})
    return FoundWorkload(cluster, existing, run="r", journal=None, part="target")


def test_a_workload_that_is_of_another_kind_or_has_no_pods_is_told():
    cluster = FewObjects(STATEFUL_SET.path("shop", "queue"), manifest=stateful(replicas=0))
    with pytest.raises(BadInput, match=r"no Deployment queue in the namespace shop \(context staging\)") as raised:
        found(cluster, deployment="queue").manifest()
    assert raised.value.hint == "queue is a StatefulSet: write `statefulset: queue`"
    with pytest.raises(BadInput, match=r"the StatefulSet queue .* has no pods"):
        found(cluster, statefulset="queue").manifest()


def one_pod(number, revision, *, ready, owner="set"):
    labels = {"controller-revision-hash": revision}
    meta = {"name": f"queue-{number}", "uid": f"u{number}", "labels": labels, "ownerReferences": [{"uid": owner}]}
    state = "True" if ready else "False"
    return {"metadata": meta, "status": {"conditions": [{"type": "Ready", "status": state}]}}


def test_pods_that_never_started_go_when_their_template_is_put_back():
    """It waits for each pod in turn, also for one that cannot start any more: Kubernetes' "forced rollback"."""
    now = stateful()
    now["metadata"] |= {"uid": "set", "namespace": "shop"}
    now["status"]["updateRevision"] = "old"
    pods = [
        one_pod(0, "old", ready=True),
        one_pod(1, "ours", ready=True),
        one_pod(2, "ours", ready=False),
        one_pod(3, "old", ready=False),
        one_pod(4, "ours", ready=False, owner="another"),
    ]
    cluster = OneSet(copy.deepcopy(now), pods)
    delete_stuck_pods(cluster, STATEFUL_SET.path("shop", "queue"), now)
    assert cluster.deleted == [("queue-2", "u2")]
