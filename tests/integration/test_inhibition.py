"""The catalogue's routing in a real Alertmanager: who is told what, and who is spared a message."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from leakdrill.alerting.alertmanager import AlertmanagerServer
from leakdrill.alerting.inhibited import InhibitionPoller
from leakdrill.alerting.routing import read_routing
from leakdrill.alerting.webhook import Webhook
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.runs.catalogue.catalogue import catalogue_root
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leakdrill.record.history import Event

pytestmark = pytest.mark.integration

ROUTING = catalogue_root() / "rules" / "routing.yaml"


class Alerting:
    """An Alertmanager with the catalogue's routing, a hundred times as fast, and what it tells and inhibits."""

    def __init__(self, folder: Path) -> None:
        self.recorder = Recorder(folder / "history.jsonl")
        self.journal = Journal(folder / "journal.jsonl")
        self.webhook = Webhook(self.recorder)
        self.alertmanager = AlertmanagerServer(
            folder,
            self.recorder,
            self.journal,
            run_id="run-1",
            routing=read_routing(ROUTING, scale=100, webhook_url=self.webhook.url),
        )
        self.webhook.start()
        self.alertmanager.start()
        self.inhibited = InhibitionPoller(self.alertmanager.url, self.recorder, every_s=0.1)
        self.inhibited.start()

    def fire(self, *severities: str, container: str = "api") -> None:
        """Post HighMemoryUsage at these levels at once, as Prometheus would."""
        now = datetime.now(UTC).isoformat()
        labels = {"alertname": "HighMemoryUsage", "container": container}
        alerts = [{"labels": {**labels, "severity": severity}, "startsAt": now} for severity in severities]
        httpx.post(f"{self.alertmanager.url}/api/v2/alerts", json=alerts, trust_env=False).raise_for_status()

    def seen(self, name: str) -> list[Event]:
        """What was recorded so."""
        return self.recorder.history().where(source="alertmanager", name=name, kind="sample")

    def wait(self, name: str, **labels: str) -> Event:
        """The first such event."""
        return wait_for(
            lambda: next((e for e in self.seen(name) if labels.items() <= e.labels.items()), None),
            what=f"{name} {labels}",
            timeout_s=60,
        )

    def stop(self) -> None:
        """End everything."""
        self.inhibited.stop()
        self.alertmanager.stop()
        self.webhook.stop()
        self.journal.close()
        self.recorder.close()


@pytest.fixture
def alerting(tmp_path: Path) -> Iterator[Alerting]:
    running = Alerting(tmp_path)
    yield running
    running.stop()


def test_a_warning_goes_to_the_channel_and_what_is_worse_to_whoever_is_on_call(alerting: Alerting) -> None:
    """Each level reaches its own receiver."""
    alerting.fire("warning", container="a")
    alerting.fire("critical", container="b")
    alerting.fire("emergency", container="c")
    for severity, receiver in (("warning", "monitoring"), ("critical", "on-call"), ("emergency", "on-call")):
        assert alerting.wait("notification", severity=severity).labels["receiver"] == receiver


def test_a_lower_level_is_inhibited_by_a_higher_one_of_the_same_container_only(alerting: Alerting) -> None:
    """Who is told of the critical level is not told of the warning; another container's warning is told as ever."""
    alerting.fire("warning", "critical", container="api")
    alerting.fire("warning", container="web")
    spared = alerting.wait("inhibited", severity="warning")
    assert (spared.labels["container"], spared.value) == ("api", "HighMemoryUsage")
    assert spared.labels["by_severity"] == "critical"
    alerting.wait("notification", severity="critical", container="api")
    alerting.wait("notification", severity="warning", container="web")
    told = {(e.labels["container"], e.labels["severity"]) for e in alerting.seen("notification")}
    assert ("api", "warning") not in told
    assert len(alerting.seen("inhibited")) == 1


@pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed")
@pytest.mark.parametrize(
    ("severity", "receiver"), [("warning", "monitoring"), ("critical", "on-call"), ("emergency", "on-call")]
)
def test_amtool_reads_the_routing_as_we_do(severity: str, receiver: str) -> None:
    """The file itself, unscaled, is clean and routes each level to its receiver."""
    checked = subprocess.run(["amtool", "check-config", str(ROUTING)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    command = ["amtool", "config", "routes", "test", f"--config.file={ROUTING}", f"severity={severity}"]
    routed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert routed.stdout.strip() == receiver, routed.stderr
