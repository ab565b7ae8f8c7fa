"""Drills that watch a Prometheus and an Alertmanager which were there before them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from leakdrill.alerting.alertmanager import AlertmanagerServer
from leakdrill.alerting.prometheus import PrometheusServer
from leakdrill.alerting.prometheus_api import PrometheusApi
from leakdrill.alerting.routing import Routing
from leakdrill.alerting.scrape_target import ScrapeTarget
from leakdrill.alerting.webhook import Webhook
from leakdrill.machine.ports import free_port
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.wait import wait_for

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
RULES = """
groups:
  - name: staging
    interval: 500ms
    rules:
      - alert: CacheGrows
        expr: gateway_cache_bytes{job="gateway"} > 12e6
        for: 1s
        labels: {severity: critical}
      - {alert: Watchdog, expr: vector(1)}
"""


class Staging:
    """Servers that no drill started: a Prometheus that scrapes one port, an Alertmanager, and who is paged."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.recorder = Recorder(folder / "history.jsonl")
        self.journal = Journal(folder / "journal.jsonl")
        self.paged = Webhook(self.recorder)
        self.paged.start()
        self.port = free_port()
        self.alertmanager = AlertmanagerServer(
            folder, self.recorder, self.journal, run_id="staging", routing=Routing(self._routing(), ("on-call",), ())
        )
        self.alertmanager.start()
        rules = folder / "staging.yaml"
        rules.write_text(RULES)
        self.prometheus = PrometheusServer(
            folder,
            self.recorder,
            self.journal,
            run_id="staging",
            scrape_targets=[ScrapeTarget(job="gateway", address=f"127.0.0.1:{self.port}")],
            rules_files=[rules],
            alertmanager_url=self.alertmanager.url,
        )
        self.prometheus.start()
        self._wait_for_the_first_evaluation()

    def _wait_for_the_first_evaluation(self):
        """A staging fires its Watchdog since long before anybody drills on it."""
        with contextlib.closing(PrometheusApi(self.prometheus.url)) as api:
            fires = 'ALERTS{alertname="Watchdog",alertstate="firing"}'
            wait_for(lambda: api.query(fires), what="staging's Watchdog", timeout_s=20, every_s=0.1)

    def _routing(self):
        webhook = {"url": f"{self.paged.url}/on-call", "send_resolved": True}
        return {
            "route": {
                "receiver": "nobody",
                "routes": [{"receiver": "on-call", "matchers": ['severity="critical"'], "group_wait": "1s"}],
            },
            "receivers": [{"name": "nobody"}, {"name": "on-call", "webhook_configs": [webhook]}],
        }

    def stop(self) -> None:
        self.prometheus.stop()
        self.alertmanager.stop()
        self.paged.stop()
        self.journal.close()
        self.recorder.close()


@pytest.fixture
def staging(tmp_path):
    made = Staging(tmp_path / "staging")
    yield made
    made.stop()


def scenario(folder, staging, **alerts):
    plan = {
        "name": "test/watched",
        "target": {
            "name": "inference-gateway",
            "command": ["{python}", "-m", "leaky_apps.gateway", "--port", "{port}"],
            "port": staging.port,
            "limits": {"memory": "192MiB"},
        },
        "leaks": [{"name": "unbounded-cache", "per_request": "64KiB"}],
        "load": {"locustfile": str(ROOT / "scenarios" / "gateway" / "locustfile.py"), "users": 8, "rate": "64/s"},
        "phases": {"warmup": "3s", "baseline": "8s", "load": "20s", "mitigate": "8s", "recover": "14s"},
        "alerts": {
            "prometheus": staging.prometheus.url,
            "alertmanager": staging.alertmanager.url,
            "expect": [{"alert": "CacheGrows", "fires_within": "20s", "resolves_within": "8s", "receiver": "on-call"}],
            **alerts,
        },
        "steps": [{"name": "clear the cache", "on": "CacheGrows", "http": {"path": "/admin/clear-cache"}}],
    }
    (folder / "plan.yaml").write_text(yaml.safe_dump(plan))
    return folder / "plan.yaml"


def drill(path):
    return subprocess.Popen(
        [sys.executable, "-m", "leakdrill", "run", str(path), "--runs", str(path.parent / "runs")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(path):
    process = drill(path)
    out, _ = process.communicate(timeout=170)
    return process.returncode, " ".join(out.split())


def events(folder):
    (file,) = folder.glob("runs/*/2*/history.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


def verdicts(folder):
    (file,) = folder.glob("runs/*/2*/verdicts.json")
    return {v["check"]: v for v in json.loads(file.read_text())["verdicts"]}


@pytest.mark.long
def test_a_drill_passes_on_what_staging_already_watches(tmp_path, staging):
    """The alert fires at staging's own times, staging pages its own receiver, and nothing of staging is changed."""
    code, out = finished(scenario(tmp_path, staging))
    assert code == 0, out
    told = verdicts(tmp_path)
    assert "held by Alertmanager for the receiver on-call" in told["notification_arrives"]["message"]
    assert "already firing or pending before, so not counted: Watchdog" in told["other_alerts_stay_silent"]["message"]
    notices = [e["value"] for e in events(tmp_path) if e["name"] == "notice"]
    assert [n for n in notices if "already firing at" in n and "Watchdog" in n]
    paged = staging.recorder.history().where(source="alertmanager", name="notification")
    assert {e.labels["alertname"] for e in paged} == {"CacheGrows"}
    assert staging.prometheus.alive()
    assert staging.alertmanager.alive()


@pytest.mark.long
def test_a_staging_that_pages_nobody_fails(tmp_path, staging):
    """An alert that Alertmanager holds and passes on to nobody is not delivered."""
    staging.paged.stop()
    code, out = finished(scenario(tmp_path, staging))
    assert code == 1, out
    told = verdicts(tmp_path)["notification_arrives"]
    assert told["outcome"] == "FAIL"
    assert "all of the requests that Alertmanager made to receivers since then failed (webhook)" in told["message"]
    assert "Alertmanager's log has the address" in told["hint"]


@pytest.mark.long
def test_a_prometheus_that_ends_in_the_middle_is_unknown(tmp_path, staging):
    process = drill(scenario(tmp_path, staging))
    wait_for(
        lambda: any('"phase":"load"' in f.read_text() for f in tmp_path.glob("runs/*/2*/history.jsonl")),
        what="the load phase",
        timeout_s=60,
    )
    os.kill(staging.prometheus.pid, signal.SIGKILL)
    out, _ = process.communicate(timeout=170)
    assert process.returncode == 2, out
    assert "answered no more" in next(e["value"] for e in events(tmp_path) if e["name"] == "broken")
    assert "PASS" not in {v["outcome"] for v in verdicts(tmp_path).values() if "alert" in v["check"]}


def test_what_cannot_be_watched_is_bad_input(tmp_path, staging):
    """One sentence and exit 3: nobody answers, somebody else answers, or the expected alert has no rule there."""
    nobody = f"http://127.0.0.1:{free_port()}"
    code, out = finished(scenario(tmp_path, staging, prometheus=nobody))
    assert (code, f"alerts.prometheus: nothing at {nobody} answers as a Prometheus does" in out) == (3, True), out
    code, out = finished(scenario(tmp_path, staging, alertmanager=staging.prometheus.url))
    assert (code, "answers as an Alertmanager does" in out) == (3, True), out
    expected = [{"alert": "CacheGrowths", "fires_within": "15s"}]
    code, out = finished(scenario(tmp_path, staging, expect=expected))
    assert (code, "has no rule CacheGrowths; it has CacheGrows, Watchdog" in out) == (3, True), out
