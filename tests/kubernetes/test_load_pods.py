"""Load from workers in pods of the run's own namespace: spread over the target's pods, which change; a loss shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from drills import drill
from engine_here import build_image_with_locust
from leakdrill.errors import LeakdrillError
from leakdrill.targets.docker.engine import connect as connect_engine
from leakdrill.wait import wait_for

HERE = Path(__file__).parent


@pytest.fixture(scope="module", autouse=True)
def _an_image_with_locust():
    """The one of `docker-compose.yml`; built where an engine is here and it is not there yet."""
    try:
        engine = connect_engine()
    except LeakdrillError:
        return
    build_image_with_locust(engine)
    engine.close()


def started(runs, name, kind):
    files = runs.glob("*/2*/history.jsonl")
    return any(f'"kind":"{kind}","name":"{name}"' in file.read_text() for file in files)


def pods(cluster, namespace, app):
    return cluster.get(f"/api/v1/namespaces/{namespace}/pods", labelSelector=f"app={app}")["items"]


def predictions(cluster, namespace, pod):
    """How many predictions a pod of the gateway has answered by its own count."""
    text = cluster.text(f"/api/v1/namespaces/{namespace}/pods/{pod}:8000/proxy/metrics")
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return sum(s.value for s in samples if s.name == "http_requests_total" and s.labels["path"] == "/predict")


def test_pods_carry_the_load_follow_the_target_and_one_that_dies_is_seen(cluster, tmp_path):
    """Both replicas are served, a rolling restart costs few requests, and a worker that is deleted is not replaced."""
    process = drill(str(HERE / "load-pods.yaml"), tmp_path, "kubernetes")
    wait_for(lambda: started(tmp_path, "run two replicas", "ok"), what="the second replica", timeout_s=120)
    (journal,) = tmp_path.glob("*/2*/journal.jsonl")
    lines = [json.loads(line) for line in journal.read_bytes().split(b"\n")[:-1]]
    namespace = next(line["data"]["name"] for line in lines if line.get("kind") == "namespace")

    def both_serve():
        names = [pod["metadata"]["name"] for pod in pods(cluster, namespace, "inference-gateway")]
        served = [predictions(cluster, namespace, name) for name in names]
        return len(served) == 2 and min(served) > 10

    wait_for(both_serve, what="ten predictions of each replica", timeout_s=30)
    history = journal.parent / "history.jsonl"
    wait_for(lambda: '"phase":"recover"' in history.read_text(), what="the recovery", timeout_s=90)
    worker = pods(cluster, namespace, "leakdrill-load")[0]["metadata"]["name"]
    cluster.delete(f"/api/v1/namespaces/{namespace}/pods/{worker}", grace_s=0)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 2, out
    verdicts = {v["check"]: v for v in json.loads((journal.parent / "verdicts.json").read_text())["verdicts"]}
    for check in ("measurements_are_complete", "load_is_as_asked"):
        verdict = verdicts.pop(check)
        assert verdict["outcome"] == "UNKNOWN"
        assert "Locust lost 1 of 2 workers" in verdict["message"]
    assert {v["outcome"] for v in verdicts.values()} == {"PASS"}, out
    assert "the pod is gone from the cluster" in history.read_text()
