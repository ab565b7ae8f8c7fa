"""One pod that runs already: watched, loaded and left as it was; another in its place is not the target."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import yaml
from kube_bench import ROOT, remove_namespace

from drills import drill, record, verdicts, wait_for_phase
from leakdrill.errors import BadInput
from leakdrill.record.events import LoadRequests, PodResources, TargetExited, TargetUnwatched
from leakdrill.runs.drill.permission import check_is_there
from leakdrill.runs.undo import clean
from leakdrill.scenario.actions import HttpCall
from leakdrill.scenario.reader import read_scenario
from leakdrill.targets.kubernetes.existing_pod import ExistingPod
from leakdrill.wait import wait_for
from target_bench import TargetBench

HERE = Path(__file__).parent
STAGING = "kube-test-staging"
POD = f"/api/v1/namespaces/{STAGING}/pods/queue-0"


@pytest.fixture
def staging(cluster):
    """A namespace that is not the run's, with the pod in it, ready."""
    cluster.create("/api/v1/namespaces", {"metadata": {"name": STAGING}})
    for manifest in yaml.safe_load_all((HERE / "queue.yaml").read_text()):
        group = "/api/v1" if manifest["kind"] == "Service" else "/apis/apps/v1"
        cluster.create(f"{group}/namespaces/{STAGING}/{manifest['kind'].lower()}s", manifest)
    wait_for(lambda: is_ready(cluster), what="its pod", timeout_s=60)
    yield cluster
    remove_namespace(cluster, STAGING)


def is_ready(cluster):
    conditions = ((cluster.find(POD) or {}).get("status") or {}).get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def plan(folder, cluster, **limits):
    text = (HERE / "one-pod.yaml").read_text().replace("CONTEXT", cluster.context)
    text = text.replace("LOCUSTFILE", str(ROOT / "scenarios/gateway/locustfile.py"))
    if limits:
        text = text.replace("{memory: 160MiB, cpus: 1}", yaml.safe_dump(limits, default_flow_style=True).strip())
    path = folder / "one-pod.yaml"
    path.write_text(text)
    return path


def test_a_drill_watches_and_loads_it_and_leaves_it_as_it_was(tmp_path, staging):
    before = staging.get(POD)
    process = drill(str(plan(tmp_path, staging)), tmp_path)
    out, _ = process.communicate(timeout=170)
    assert process.returncode == 0, out
    assert verdicts(tmp_path)["memory_does_not_grow", ""] == "PASS"
    history = record(tmp_path)
    assert {event.pod for event in history.of(PodResources)} == {"queue-0"}
    assert history.of(LoadRequests)[-1].requests > 200
    after = staging.get(POD)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["metadata"].get("annotations") == before["metadata"].get("annotations")
    assert after["spec"] == before["spec"]
    assert after["status"]["containerStatuses"][0]["restartCount"] == 0


def test_another_pod_in_its_place_leaves_the_drill_unknown(tmp_path, staging):
    process = drill(str(plan(tmp_path, staging)), tmp_path)
    wait_for_phase(tmp_path, "load")
    staging.delete(POD)
    out, _ = process.communicate(timeout=170)
    assert process.returncode == 2, out
    history = record(tmp_path)
    (lost,) = history.of(TargetUnwatched)
    assert lost.message.startswith("pod queue-0: ")
    assert not history.of(TargetExited)
    assert "FAIL" not in verdicts(tmp_path).values()


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"memory": "64MiB"}, "target.limits.memory: found 64 MiB; container queue of pod queue-0 has 160 MiB"),
        ({"cpus": 0.5}, "target.limits.cpus: found 0.5; container queue of pod queue-0 has 1, and"),
    ],
)
def test_limits_that_it_does_not_have_are_refused_before_the_start(tmp_path, staging, limits, message):
    path = plan(tmp_path, staging, **limits)
    with pytest.raises(BadInput) as raised:
        check_is_there(path, read_scenario(path))
    assert raised.value.message.startswith(f"{path}:6: {message}")


def test_a_leak_that_a_killed_drill_left_on_is_switched_off(tmp_path, staging):
    existing = {"context": staging.context, "namespace": STAGING, "pod": "queue-0"}
    this = TargetBench(tmp_path, ExistingPod, run_id="kube-test-pod", kubernetes={"existing": existing})
    try:
        this.target.start()
        assert httpx.get(this.target.base_url + "/health").is_success
        assert this.target.token == ""
        off = HttpCall(path="/predict", body={"data": [[1.0]], "key": "the end of the leak"})
        this.target.leaks.note_switched_on("cache", off)
        served = requests_served(this.target.base_url)
        assert clean(this.folder / "journal.jsonl") == []
        assert requests_served(this.target.base_url) == served + 1
    finally:
        this.close()


def requests_served(base_url):
    lines = httpx.get(base_url + "/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if "requests_total{" in line and "predict" in line)
