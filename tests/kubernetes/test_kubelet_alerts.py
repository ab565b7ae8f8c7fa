"""A whole drill of which the alerts are judged on the kubelet's own series, with the rules as production has them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def run(cluster, tmp_path_factory):  # noqa: ARG001 - without a cluster it skips
    """The folder of one run, which takes about two minutes: the kubelet measures every 10 to 20 s."""
    runs = tmp_path_factory.mktemp("runs")
    command = [sys.executable, "-m", "leakdrill", "run", str(HERE / "kubelet-series.yaml"), "--on", "kubernetes"]
    done = subprocess.run([*command, "--runs", str(runs)], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = runs.glob("*/2*")
    return folder


def test_the_unmodified_rule_fires_on_the_kubelets_series_and_the_verdict_says_so(run):
    verdicts = {v["check"]: v for v in json.loads((run / "verdicts.json").read_text())["verdicts"]}
    assert {v["outcome"] for v in verdicts.values()} == {"PASS"}
    assert "judged on the kubelet's own series" in verdicts["alert_fires_in_time"]["message"]


def test_no_rule_on_the_container_sees_any_series_but_the_kubelets(run):
    selected = [e["labels"] for e in events(run, "selector") if e["labels"]["selector"].startswith("container_")]
    assert {labels["jobs"] for labels in selected} == {"kubelet"}


def test_the_alert_names_the_pod_as_the_kubelet_does(run):
    (fired, *_) = [e for e in events(run, "alert") if e["value"] == "firing"]
    assert fired["labels"]["pod"].startswith("inference-gateway-")
    assert fired["labels"]["job"] == "kubelet"


def test_nothing_secret_is_in_the_record_and_the_credentials_are_gone(run):
    told = [file.read_bytes() for file in run.rglob("*") if file.is_file()]
    assert not [text for text in told if b"PRIVATE KEY" in text or b"BEGIN CERTIFICATE" in text]
    (job,) = [text for text in told if b"metrics/cadvisor" not in text and b"job_name: kubelet" in text]
    assert b"key_file" in job or b"credentials_file" in job
    assert not list(Path(tempfile.gettempdir()).glob("leakdrill-test-kubelet-series-*-kubelet"))


def events(run, name):
    lines = (json.loads(line) for line in (run / "history.jsonl").read_text().splitlines())
    return [event for event in lines if event["source"] == "prometheus" and event["name"] == name]
