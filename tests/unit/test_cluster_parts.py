"""Kubernetes' words as data: pods, kubelet's figures, contexts, exec's last word, manifests, what may be touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.machine.cgroup import hierarchies
from leakdrill.meters.pods import summed
from leakdrill.scenario.kubernetes import KubernetesForm, Requests
from leakdrill.scenario.steps import Step
from leakdrill.scenario.target import Limits, ProcessTarget
from leakdrill.targets.kubernetes.api import choose_context
from leakdrill.targets.kubernetes.autoscaler import autoscaler
from leakdrill.targets.kubernetes.deployment import Wanted, deployment, resources
from leakdrill.targets.kubernetes.execute import exit_status
from leakdrill.targets.kubernetes.form import check_allowed, form_of
from leakdrill.targets.kubernetes.kubelet_meter import parse_cadvisor, parse_summary
from leakdrill.targets.kubernetes.manifests import placed, read_manifests, workload_of
from leakdrill.targets.kubernetes.metrics_server_meter import parse_pod_metrics, parse_quantity
from leakdrill.targets.kubernetes.nodes import cgroup_of_container, share_our_files, share_our_kernel, show_here
from leakdrill.targets.kubernetes.pod import chosen, parse_pod
from leakdrill.targets.kubernetes.workload import rolled_out

READY = [{"type": "Ready", "status": "True"}]


def pod(name="web-1", **status):
    meta = {"name": name, "uid": f"uid of {name}", **status.pop("meta", {})}
    return {"metadata": meta, "spec": {"nodeName": "node-1"}, "status": status}


def container(state, **more):
    return {"name": "web", "restartCount": 0, "containerID": "docker://abc", "state": state, **more}


def killed(reason="OOMKilled"):
    return {"terminated": {"exitCode": 137, "reason": reason, "finishedAt": "2026-11-22T12:00:00Z"}}


def test_a_pod_that_serves_is_ready_and_its_container_is_known():
    seen = parse_pod(pod(conditions=READY, containerStatuses=[container({"running": {}})]))
    assert (seen.ready, seen.container_id, seen.node, seen.trouble) == (True, "abc", "node-1", None)


def test_a_pod_that_is_being_deleted_is_not_ready_whatever_it_says():
    seen = parse_pod(pod(meta={"deletionTimestamp": "now"}, conditions=READY))
    assert (seen.ready, seen.leaving) == (False, True)


def test_a_container_that_came_back_after_an_oom_kill_tells_how_it_ended():
    states = [container({"running": {}}, lastState=killed(), restartCount=1)]
    seen = parse_pod(pod(containerStatuses=states))
    assert seen.end is not None
    assert (seen.end.oom_killed, seen.end.signal, seen.restarts, seen.trouble) == (True, "SIGKILL", 1, None)


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (
            {"containerStatuses": [container({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}})]},
            "CrashLoopBackOff: back-off 10s",
        ),
        (
            {"containerStatuses": [container({"waiting": {"reason": "ErrImagePull", "message": "not found"}})]},
            "ErrImagePull: not found",
        ),
        ({"phase": "Failed", "reason": "Evicted", "message": "low on memory"}, "Evicted: low on memory"),
        (
            {
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/1 nodes are available: 1 Insufficient memory.",
                    }
                ]
            },
            "cannot be scheduled: 0/1 nodes are available: 1 Insufficient memory.",
        ),
    ],
)
def test_what_keeps_a_pod_from_running_is_one_sentence(status, trouble):
    seen = parse_pod(pod(**status))
    assert seen.trouble == trouble
    assert seen.hopeless == (not trouble.startswith("cannot"))


def test_a_crash_loop_says_how_the_container_ended_last():
    waiting = container({"waiting": {"reason": "CrashLoopBackOff"}}, lastState=killed())
    assert "ended last: OOM-killed" in str(parse_pod(pod(containerStatuses=[waiting])).trouble)


def test_a_container_that_is_being_made_is_no_trouble():
    waiting = container({"waiting": {"reason": "ContainerCreating"}})
    assert parse_pod(pod(containerStatuses=[waiting])).trouble is None


def test_pods_are_chosen_by_age_and_by_memory():
    pods = [parse_pod(pod(name)) for name in ("a", "b", "c")]
    memory = {"b": {"anon_bytes": 9.0}, "c": {"anon_bytes": 3.0}}
    found = {which: chosen(pods, which, memory) for which in ("oldest", "newest", "heaviest", "all")}
    assert found == {"oldest": ["a"], "newest": ["c"], "heaviest": ["b"], "all": ["a", "b", "c"]}
    with pytest.raises(EnvironmentProblem, match="no pod"):
        chosen([], "oldest", {})


def test_a_rollout_is_over_when_every_pod_is_new_and_available():
    spec, meta = {"replicas": 2}, {"generation": 3}
    done = {"observedGeneration": 3, "updatedReplicas": 2, "replicas": 2, "availableReplicas": 2}
    assert rolled_out({"metadata": meta, "spec": spec, "status": done})
    for name, value in done.items():
        late = {**done, name: value - 1 if name != "replicas" else 3}
        assert not rolled_out({"metadata": meta, "spec": spec, "status": late})


def test_a_context_is_named_or_the_only_one_and_never_the_current_one():
    assert choose_context("staging", ["lab", "staging"], "config") == "staging"
    assert choose_context(None, ["lab"], "config") == "lab"
    with pytest.raises(BadInput, match=r"never takes the current one; found lab, staging"):
        choose_context(None, ["lab", "staging"], "config")
    with pytest.raises(BadInput, match='no context "production"; found lab'):
        choose_context("production", ["lab"], "config")


def target(**fields):
    return ProcessTarget.model_validate({"name": "web", "command": ["web"], "kind": "kubernetes", **fields})


def test_what_runs_already_is_touched_only_where_the_command_line_says_so_too():
    existing = {"context": "staging", "namespace": "shop", "deployment": "web"}
    spec = target(kubernetes={"existing": existing})
    for allow in (None, "lab"):
        with pytest.raises(BadInput, match=r"shop/web changes a workload that runs already; expected --allow staging"):
            check_allowed(spec, allow)
    check_allowed(spec, "staging")
    check_allowed(target(container={"image": "web"}), None)


def test_a_container_form_serves_in_a_cluster_too():
    form = form_of(target(container={"image": "web", "port": 9000}, kubernetes={"replicas": 2}))
    assert (form.image, form.port, form.replicas) == ("web", 9000, 2)
    with pytest.raises(BadInput, match="neither `kubernetes` nor an image in `container`"):
        form_of(target())


def test_one_form_is_given_and_no_more():
    with pytest.raises(ValueError, match="expected one of image, manifests and existing; found image, manifests"):
        target(kubernetes={"image": "web", "manifests": ["web.yaml"]})


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ({"autoscale": {"max": 3}}, "expected cpu, memory or both"),
        ({"autoscale": {"min": 4, "max": 3, "cpu": "80%"}}, r"expected max to be at least min \(4\); found 3"),
        ({"scale": {"replicas": 0}}, "greater than or equal to 1"),
    ],
)
def test_a_step_on_replicas_that_makes_no_sense_is_refused(action, message):
    with pytest.raises(ValueError, match=message):
        Step.model_validate({"name": "a", **action})


def test_requests_hold_the_memory_limit_and_little_cpu():
    assert resources(memory_bytes=1 << 20, cpus=1.5) == {
        "limits": {"memory": "1048576", "cpu": "1500m"},
        "requests": {"memory": "1048576", "cpu": "100m"},
    }
    assert resources(memory_bytes=None, cpus=0.05)["requests"] == {"cpu": "50m"}
    assert resources(memory_bytes=None, cpus=1, gpus=2)["limits"] == {"cpu": "1000m", "nvidia.com/gpu": "2"}
    asked = resources(memory_bytes=1 << 20, cpus=None, requests=Requests(memory="4KiB", cpus=2))
    assert asked == {"limits": {"memory": "1048576"}, "requests": {"memory": "4096", "cpu": "2000m"}}


def test_where_pods_hold_cards_an_old_one_goes_before_a_new_one_comes():
    made = {gpus: deployment(a_deployment(gpus=gpus))["spec"] for gpus in (0, 2)}
    assert made[0]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert made[2]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    limits = made[2]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits == {"nvidia.com/gpu": "2"}


def a_deployment(**more):
    fields = {"name": "web", "run": "r", "form": KubernetesForm(image="web"), "limits": Limits(), "args": None}
    rest = {"env": {}, "ready_path": "/", "stop_timeout_s": 1.0, "disk_on_node": None, "scenario_on_node": None}
    return Wanted(**fields, **rest, **more)


def test_an_autoscaler_has_a_metric_for_each_share():
    made = autoscaler(version="v2", name="web", run="r", least=1, most=4, shares={"cpu": 0.7, "memory": 0.8})
    assert [m["resource"]["target"]["averageUtilization"] for m in made["spec"]["metrics"]] == [70, 80]
    assert made["metadata"]["labels"] == {"leakdrill.run": "r"}


def test_how_a_command_in_a_pod_ended():
    assert exit_status(b'{"status": "Success"}') == 0
    failed = b'{"status": "Failure", "details": {"causes": [{"reason": "ExitCode", "message": "7"}]}}'
    assert exit_status(failed) == 7
    with pytest.raises(EnvironmentProblem, match="could not be run in the pod: no such file"):
        exit_status(b'{"status": "Failure", "message": "no such file"}')
    with pytest.raises(EnvironmentProblem, match="cut off"):
        exit_status(b"")


def test_the_kubelets_summary_is_read_for_our_pods_alone():
    memory = {"usageBytes": 50, "workingSetBytes": 40, "rssBytes": 30}
    mine = {"name": "web", "memory": memory, "cpu": {"usageCoreNanoSeconds": 2_000_000_000}}
    other = {"name": "sidecar", "memory": memory}
    pods = [
        {"podRef": {"name": name, "namespace": namespace}, "containers": [other, mine]}
        for name, namespace in (("web-1", "run"), ("web-2", "run"), ("web-1", "elsewhere"))
    ]
    found = parse_summary({"pods": pods}, namespace="run", pods=["web-1"], container="web")
    assert found == {
        "web-1": {"usage_bytes": 50.0, "working_set_bytes": 40.0, "anon_bytes": 30.0, "cpu_seconds": 2.0},
    }


def test_cadvisor_tells_the_limit_of_our_container_alone():
    line = 'container_spec_memory_limit_bytes{{container="{}",namespace="{}",pod="web-1"}} {} 1700000000000'
    rows = [("web", "run", 100), ("sidecar", "run", 200), ("web", "elsewhere", 300)]
    page = "\n".join(line.format(*row) for row in rows) + '\ncontainer_other{namespace="run"} 1\n'
    found = parse_cadvisor(page, namespace="run", pods=["web-1"], container="web")
    assert found == {"web-1": {"limit_bytes": 100.0}}


def test_the_metrics_server_is_read_in_its_own_units():
    usages = [{"memory": "128Mi", "cpu": "250m"}, {"memory": "1024Ki", "cpu": "1500000n"}]
    found = {"items": [{"containers": [{"name": "web", "usage": usage}]} for usage in usages]}
    assert parse_pod_metrics(found) == {"working_set_bytes": 129.0 * 2**20, "cpu_cores": 0.2515, "pods": 2.0}
    assert parse_pod_metrics({"items": []}) is None
    with pytest.raises(ValueError, match='"12 MB" is no quantity'):
        parse_quantity("12 MB")


def test_pods_are_summed_and_one_without_a_limit_makes_the_whole_unlimited():
    assert summed([{"usage_bytes": 1.0, "limit_bytes": 5.0}, {"usage_bytes": 2.0, "limit_bytes": 5.0}]) == {
        "usage_bytes": 3.0,
        "limit_bytes": 10.0,
    }
    assert summed([{"usage_bytes": 1.0, "limit_bytes": 5.0}, {"usage_bytes": 2.0}]) == {"usage_bytes": 3.0}
    assert summed([]) is None


def test_a_containers_control_group_is_found_by_its_id(tmp_path):
    mounts = "\n".join(
        f"1 0 0:1 / {tmp_path}/{name} rw - cgroup cgroup rw,{name}" for name in ("memory", "cpu", "cpuacct")
    )
    for name in ("memory", "cpu"):
        (tmp_path / name / "kubepods" / "pod-1" / "docker-abc.scope").mkdir(parents=True)
    found = hierarchies(mounts, "1:memory:/\n2:cpu:/\n3:cpuacct:/\n")
    group = cgroup_of_container("abc", found)
    assert group is not None
    assert (group.version, group.memory) == (1, tmp_path / "memory" / "kubepods" / "pod-1" / "docker-abc.scope")
    assert group.cpuacct is None
    assert cgroup_of_container("def", found) is None


@pytest.mark.parametrize(
    ("members", "seen"),
    [(f"{os.getpid()}\n", True), ("", False), ("0\n0\n", False)],
    ids=["numbers of ours", "left out by version 1", "zeros by version 2"],
)
def test_a_container_shows_here_only_with_its_group_and_its_processes(tmp_path, members, seen):
    group = tmp_path / "kubepods" / "docker-abc.scope"
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text(members)
    found = hierarchies(f"1 0 0:1 / {tmp_path} rw - cgroup2 cgroup2 rw", "0::/\n")
    assert show_here(["abc"], found) is seen
    assert not show_here(["abc", "of another pod"], found)


def test_a_pod_on_its_nodes_network_has_its_kernel_and_not_its_files(monkeypatch):
    kernel = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    node = {"status": {"nodeInfo": {"bootID": kernel}, "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}]}}
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert share_our_files([node])
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    assert share_our_kernel([node])
    assert not share_our_files([node])


def write(folder, text):
    file = folder / "shop.yaml"
    file.write_text(text)
    return file


def test_manifests_are_read_in_order_and_marked_with_the_run(tmp_path):
    text = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n---\n"
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop, namespace: default}\n"
        "spec: {template: {metadata: {labels: {app: shop}}}}\n"
    )
    found = read_manifests([write(tmp_path, text)])
    assert [m["kind"] for m in found] == ["ConfigMap", "Deployment"]
    made = placed(workload_of(found, None), namespace="leakdrill-1", run="1")
    assert made["metadata"] == {"name": "shop", "namespace": "leakdrill-1", "labels": {"leakdrill.run": "1"}}
    assert made["spec"]["template"]["metadata"]["labels"] == {"app": "shop", "leakdrill.run": "1"}
    with pytest.raises(BadInput, match='found shop; expected one Deployment called "web"'):
        workload_of(found, "web")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: Pod\n", "shop.yaml:1: found no apiVersion, kind and metadata"),
        (
            "# one\n\napiVersion: v1\nkind: Pod\nmetadata: {}\n",
            "shop.yaml:3: metadata.name: found none; expected a text",
        ),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: 5}\n", "shop.yaml:1: metadata.name: found 5; expected a text"),
        ("a: [\n", "shop.yaml:1: not YAML"),
    ],
)
def test_a_manifest_that_is_none_is_named_with_its_line(tmp_path, text, message):
    with pytest.raises(BadInput, match=message):
        read_manifests([write(tmp_path, text)])
