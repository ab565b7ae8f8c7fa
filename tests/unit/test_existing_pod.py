"""A pod that runs already, as a target: what its scenario may say, and what a drill may do to it."""

from __future__ import annotations

import pytest

from leakdrill.errors import BadInput
from leakdrill.runs.drill.permission import check_permission
from leakdrill.runs.drill.plan_check import check_plan
from leakdrill.runs.placement import placed
from leakdrill.scenario.actions import HttpCall
from leakdrill.scenario.http_access import HttpAccess
from leakdrill.scenario.reader import read_scenario
from leakdrill.targets.kubernetes.api import ClusterGone
from leakdrill.targets.kubernetes.found_workload import find_workload
from leakdrill.targets.kubernetes.manifests import service_container
from leakdrill.targets.kubernetes.pod_leaks import switch_off_in_pod
from leakdrill.targets.kubernetes.undo import UNDO
from leakdrill.targets.kubernetes.workload import Workload
from leakdrill.targets.kubernetes.workload_kind import POD

RUNNING = {
    "kind": "Pod",
    "metadata": {"name": "web-0", "uid": "one", "namespace": "shop"},
    "spec": {"containers": [{"name": "web"}, {"name": "proxy"}]},
    "status": {
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "web", "state": {"running": {}}, "containerID": "docker://abc"}],
    },
}


class FakeCluster:
    """An API server with one object."""

    context = "staging"

    def __init__(self, manifest=None):
        self.manifest = manifest

    def find(self, path):
        if self.manifest == "gone":
            raise ClusterGone("the API server does not answer")
        return self.manifest if path == "/api/v1/namespaces/shop/pods/web-0" else None

    get = find


@pytest.fixture
def plan(tmp_path):
    def write(steps="[]", *, workers=1, leaks="[]"):
        (tmp_path / "locustfile.py").write_text("")
        path = tmp_path / "shop.yaml"
        path.write_text(
            "name: shop\n"
            "target: {name: web, kubernetes: {existing: {context: staging, namespace: shop, pod: web-0}, port: 80}}\n"
            f"load: {{locustfile: locustfile.py, workers: {workers}}}\nleaks: {leaks}\nsteps: {steps}\n"
        )
        return path

    return write


def check(path, allow=None):
    scenario = placed(read_scenario(path), None, allow)
    check_permission(path, scenario, allow)
    check_plan(path, scenario)


def refusal(path, allow=None):
    with pytest.raises(BadInput) as raised:
        check(path, allow)
    return raised.value.message.replace(f"{path}:", "")


def test_watching_and_loading_a_pod_needs_no_permission(plan):
    check(plan())
    check(plan("[{name: ask, http: {path: /x}}]"))


@pytest.mark.parametrize("step", ["kill: {match: worker}", "exec: {command: [ls]}"])
def test_a_step_that_changes_it_needs_the_context(plan, step):
    path = plan(f"[{{name: a, {step}}}]")
    assert "a service that runs already; expected --allow staging, found nothing" in refusal(path)
    check(path, "staging")


@pytest.mark.parametrize(
    "step",
    ["restart: {}", "set_limits: {memory: 1MiB}", "set_env: {A: b}", "scale: {replicas: 2}", "delete_pod: {}",
     "autoscale: {min: 1, max: 2, cpu: 50%}"],
)  # fmt: skip
def test_a_step_that_would_replace_it_is_refused_whatever_is_allowed(plan, step):
    found = refusal(plan(f"[{{name: a, {step}}}]"), "staging")
    assert found.startswith("5: steps[0].")
    assert "cannot be done to a service that runs already" in found


def test_workers_beside_it_need_the_context(plan):
    assert "3: load.workers: the load's workers are made as pods beside a service" in refusal(plan(workers=2))


def test_the_pod_is_found_by_its_own_name(plan):
    existing = read_scenario(plan()).target.kubernetes.existing
    assert find_workload(FakeCluster(RUNNING), existing) is RUNNING
    with pytest.raises(BadInput, match=r"there is no Pod web-0 in the namespace shop \(context staging\)"):
        find_workload(FakeCluster(), existing)
    assert service_container(RUNNING, None) == "web"
    with pytest.raises(BadInput, match='Pod/web-0 has no container "db"; expected one of web, proxy'):
        service_container(RUNNING, "db")
    pod = Workload(FakeCluster(RUNNING), POD, namespace="shop", name="web-0")
    assert pod.pods_query() == {"fieldSelector": "metadata.name=web-0"}
    assert (POD.wanted_pods(RUNNING), POD.rolled_out(RUNNING), POD.pod_names("web.0")) == (1, True, r"web\.0")
    assert not POD.rolled_out({**RUNNING, "status": {}})


def entry(**changes):
    off = HttpCall(path="/off").model_dump(mode="json")
    where = {"path": "/api/v1/namespaces/shop/pods/web-0", "uid": "one", "container": "web", "container_id": "abc"}
    more = {"port": 80, "name": "cache", "off": off, "http": HttpAccess().model_dump(mode="json"), "masked": False}
    return {**where, **more, "folder": "/", "context": "none", "kubeconfig": None, **changes}


@pytest.mark.parametrize(
    ("manifest", "changes"), [(None, {}), (RUNNING, {"uid": "before"}), (RUNNING, {"container_id": "before"})]
)
def test_a_pod_or_container_that_is_another_leaks_no_more(manifest, changes):
    assert switch_off_in_pod(FakeCluster(manifest), entry(**changes), HttpCall(path="/off"), None) is None


def test_an_entry_that_names_no_pod_is_not_followed():
    with pytest.raises(ValueError, match="its place in the cluster"):
        UNDO["pod leak"](entry(path="/api/v1/namespaces/shop/secrets/a"), None)
