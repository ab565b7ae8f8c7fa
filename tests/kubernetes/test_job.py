"""Leakdrill as a Job: `deploy/leakdrill-job.yaml` as it is shipped, run, deleted, and nothing left.

Patched is what the cluster of CI lacks, and nothing else: `_here` says what and why.
"""

from __future__ import annotations

import tarfile
from urllib.parse import urlsplit

import pytest
import yaml
from applied import COLLECTIONS, applied
from kube_bench import ROOT

from leakdrill.judging.analyze import analyze
from leakdrill.record.history import read_history
from leakdrill.record.store import open_run
from leakdrill.record.stored_journal import read_journal
from leakdrill.record.verdict import Outcome
from leakdrill.targets.kubernetes.api import RUN_LABEL
from leakdrill.targets.kubernetes.execute import execute_in_pod
from leakdrill.wait import wait_for
from staging.staging import build_images

TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a folder
SCENARIO = "in-the-cluster-unbounded-cache"
JOB = f"{COLLECTIONS['Job']}/leakdrill"


def shipped(name):
    return list(yaml.safe_load_all((ROOT / "deploy" / name).read_text()))


@pytest.fixture(scope="module")
def account(cluster):
    """The image as it is now, and the service account with its rights."""
    build_images(ROOT / "docker-compose.yml", ["configure", "gateway"])
    with applied(cluster, shipped("leakdrill-rbac.yaml")):
        yield


@pytest.fixture
def record(tmp_path):
    """A folder that the pod, whose user is another, may write into."""
    folder = tmp_path / "runs"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


@pytest.fixture
def job(cluster, account, record):  # noqa: ARG001 - the Job's account must be there
    """The Job, running, with its record on a claim as its comment proposes."""
    settings, manifest = shipped("leakdrill-job.yaml")
    with applied(cluster, [*_claim(record), settings, _here(manifest, cluster)]):
        yield manifest


def _claim(folder):
    size = {"storage": "1Gi"}
    common = {"storageClassName": "", "accessModes": ["ReadWriteOnce"]}
    volume = {**common, "capacity": size, "hostPath": {"path": str(folder)}}
    return [
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "leakdrill-runs"}, "spec": volume},
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "leakdrill-runs"},
            "spec": {**common, "volumeName": "leakdrill-runs", "resources": {"requests": size}},
        },
    ]


def _here(manifest, cluster):
    """With the claim for the record; and where there is no service network, with the host's, and a token by hand."""
    pod = manifest["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    volumes["runs"].pop("emptyDir")
    volumes["runs"]["persistentVolumeClaim"] = {"claimName": "leakdrill-runs"}
    if cluster.find("/api/v1/namespaces/default/endpoints/kubernetes"):
        return manifest
    # The API server of CI listens on loopback, no kube-proxy leads to it, and no admission plugin mounts the token.
    server, (container,) = urlsplit(cluster.address), pod["containers"]
    pod["hostNetwork"] = True
    container["env"] += [
        {"name": "KUBERNETES_SERVICE_HOST", "value": server.hostname},
        {"name": "KUBERNETES_SERVICE_PORT", "value": str(server.port)},
    ]
    sources = [{"serviceAccountToken": {"path": "token"}}, {"configMap": {"name": "kube-root-ca.crt"}}]
    pod["volumes"].append({"name": "account", "projected": {"sources": sources}})
    container["volumeMounts"].append({"name": "account", "mountPath": TOKEN_FOLDER, "readOnly": True})
    return manifest


def pod_of_the_job(cluster):
    found = cluster.get(COLLECTIONS["Pod"], labelSelector="job-name=leakdrill")["items"]
    return found[0] if found else None


def log_of(cluster, pod):
    return cluster.text(f"{COLLECTIONS['Pod']}/{pod['metadata']['name']}/log")


def namespaces_of_runs(cluster):
    names = [n["metadata"]["name"] for n in cluster.get("/api/v1/namespaces", labelSelector=RUN_LABEL)["items"]]
    return [name for name in names if SCENARIO in name]


def ended(cluster):
    """The condition that the Job ended with."""
    conditions = cluster.get(JOB)["status"].get("conditions") or []
    return next((c["type"] for c in conditions if c["status"] == "True"), None)


def recorded(record, phase):
    """Whether the drill has begun `phase`."""
    return any(f'"phase":"{phase}"' in history.read_text() for history in record.glob("*/2*/history.jsonl"))


@pytest.mark.long
@pytest.mark.timeout(420)
@pytest.mark.usefixtures("job")
def test_a_job_says_its_verdict_by_exit_code_message_log_and_record(cluster, tmp_path):
    wait_for(lambda: ended(cluster), what="the end of the Job", timeout_s=360, every_s=1)
    pod = pod_of_the_job(cluster)
    log = log_of(cluster, pod)
    (status,) = pod["status"]["containerStatuses"]
    end = status["state"]["terminated"]
    assert (ended(cluster), end["exitCode"]) == ("Complete", 0), log
    assert end["message"].startswith("PASS in-the-cluster/unbounded-cache: ")
    assert "alert_fires_in_time" in log
    assert namespaces_of_runs(cluster) == []
    _judge_a_copy(_copied_out(cluster, tmp_path))


def _copied_out(cluster, folder):
    """The records, by the pod that is there for it, in the way of `kubectl cp`."""
    manifests = shipped("leakdrill-record.yaml")
    with applied(cluster, manifests):
        path = f"{COLLECTIONS['Pod']}/{manifests[0]['metadata']['name']}"
        wait_for(lambda: cluster.get(path)["status"]["phase"] == "Running", what="the pod that reads", timeout_s=60)
        execute_in_pod(
            cluster, ["tar", "--create", "--directory=/runs", "."], pod=path, output=folder / "t", timeout_s=20
        )
    with tarfile.open(folder / "t") as packed:
        packed.extractall(folder / "copy", filter="data")
    return folder / "copy"


def _judge_a_copy(runs):
    folder = open_run(runs / SCENARIO)
    assert {verdict.outcome for verdict in analyze(folder)} == {Outcome.PASS}
    assert read_journal(folder.journal) == []
    notices = [event.value for event in read_history(folder.history).where(source="drill", name="notice")]
    # One kernel, and on the host's network one address too: still nothing of the other pod shows in this one.
    assert any("kubelet" in notice for notice in notices)


@pytest.mark.timeout(300)
def test_a_job_that_is_deleted_in_the_middle_takes_everything_back(cluster, job, record):
    wait_for(lambda: recorded(record, "warmup") or ended(cluster), what="load on the target", timeout_s=120)
    assert ended(cluster) is None, log_of(cluster, pod_of_the_job(cluster))
    assert namespaces_of_runs(cluster)
    cluster.delete(JOB)
    wait_for(lambda: pod_of_the_job(cluster) is None, what="the end of its pod", timeout_s=150)
    assert namespaces_of_runs(cluster) == []
    assert read_journal(open_run(record / SCENARIO).journal) == []
    assert job["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= 120
