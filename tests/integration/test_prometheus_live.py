"""A real Prometheus and Alertmanager see an alert come and go, at the scale of a rehearsal."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from leakdrill.alerting.alertmanager import AlertmanagerServer
from leakdrill.alerting.exporter import Exporter
from leakdrill.alerting.prometheus import PrometheusServer
from leakdrill.alerting.routing import default_routing
from leakdrill.alerting.rules import read_rules
from leakdrill.alerting.scrape_target import ScrapeTarget
from leakdrill.alerting.server import MARKER
from leakdrill.alerting.states import AlertPoller, record_selector_counts
from leakdrill.alerting.webhook import Webhook
from leakdrill.errors import ComponentDied
from leakdrill.record.events import CgroupResources, PrometheusStart
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.record.stored_journal import read_journal
from leakdrill.scenario.alerts import AlertName
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leakdrill.record.history import Event

pytestmark = pytest.mark.integration

SCALE = 60
MILLISECOND = 0.001  # Prometheus' own resolution
RULES = """
groups:
  - name: memory
    rules:
      - alert: HighMemoryUsage
        expr: container_memory_usage_bytes{container="gateway"} / container_spec_memory_limit_bytes * 100 > 75
        for: 1m
        labels: {severity: warning, name: oom, source: memory}
      - alert: Mistyped
        expr: container_memory_usage_bytes{contaner="gateway"} > 0
      - alert: NeverLongEnough
        expr: container_memory_usage_bytes{container="gateway"} > 75
        for: 1h
"""


class Stack:
    """Everything between a recorded sample and a recorded notification."""

    def __init__(self, folder: Path, rules: str) -> None:
        self.folder = folder
        self.recorder = Recorder(folder / "history.jsonl")
        self.journal = Journal(folder / "journal.jsonl")
        self.exporter = Exporter(self.recorder, labels={"container": "gateway"}, mountpoint="/var/lib/gateway")
        self.webhook = Webhook(self.recorder)
        (folder / "rules.yaml").write_text(rules)
        self.rules = read_rules([folder / "rules.yaml"])
        self.routing = default_routing(scale=SCALE * 10, webhook_url=self.webhook.url)
        self.alertmanager = AlertmanagerServer(
            folder, self.recorder, self.journal, run_id="run-1", routing=self.routing
        )
        self.prometheus: PrometheusServer | None = None
        self.pollers: list[AlertPoller] = []

    def start(self) -> PrometheusServer:
        self.exporter.start()
        self.webhook.start()
        self.alertmanager.start()
        self.prometheus = PrometheusServer(
            self.folder,
            self.recorder,
            self.journal,
            run_id="run-1",
            scrape_targets=[ScrapeTarget(job="leakdrill", address=self.exporter.address)],
            rules_files=self.rules.write(self.folder / "prometheus" / "rules", SCALE).files,
            alertmanager_url=self.alertmanager.url,
            scrape_interval_s=0.25,
            evaluation_interval_s=0.25,
            time_scale=SCALE,
        )
        self.prometheus.start()
        return self.prometheus

    def start_watching(self) -> None:
        prometheus = self.start()
        wait_for(lambda: self.use(10) or prometheus.watching(), what="the first scrape", timeout_s=60, every_s=0.1)

    @property
    def url(self) -> str:
        return self.prometheus.url if self.prometheus else ""

    def watch(self, *, every_s: float = 0.25) -> AlertPoller:
        poller = AlertPoller(self.url, self.recorder, every_s=every_s)
        self.pollers.append(poller)
        return poller

    def stop(self) -> None:
        for poller in self.pollers:
            poller.stop()
        if self.prometheus:
            self.prometheus.stop()
        self.alertmanager.stop()
        self.webhook.stop()
        self.exporter.stop()
        self.journal.close()
        self.recorder.close()

    def use(self, percent: float) -> bool:
        """Record that this much of the memory limit is in use; False, so that a wait can do it between its looks."""
        value = {"usage_bytes": percent, "limit_bytes": 100.0, "oom_kills": 0.0, "cpu_seconds": 1.0}
        self.recorder.record(CgroupResources.of(value))
        return False

    def use_for(self, percent: float, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.use(percent)
            time.sleep(0.1)

    def use_until(self, percent: float, name: str, value: str) -> None:
        """Use this much until an event `name` of the alert HighMemoryUsage says `value`."""

        def seen() -> bool:
            self.use(percent)
            return any(e.value == value for e in self.events(name))

        wait_for(seen, what=f"{name} {value}", timeout_s=60, every_s=0.1)

    def events(self, name: str, alert: str = "HighMemoryUsage") -> list[Event]:
        return self.recorder.history().where(name=name, kind="sample", labels={"alertname": alert})

    def named(self, name: str) -> list[Event]:
        return self.recorder.history().where(name=name, kind="sample")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    made = Stack(tmp_path, RULES)
    yield made
    made.stop()


def test_an_alert_comes_is_delivered_and_goes(stack: Stack) -> None:
    """Pending, firing and resolved are recorded in order with Prometheus' times, and both notices are delivered."""
    stack.start_watching()
    poller = stack.watch()
    poller.start()
    stack.use_for(10, 1)
    leak_began = stack.recorder.now_s()
    stack.use_until(80, "notification", "firing")
    stack.use_until(80, "alert", "firing")
    assert poller.firing(AlertName(alert="HighMemoryUsage", labels={"severity": "warning"}))
    fixed = stack.recorder.now_s()
    stack.use_until(10, "notification", "resolved")
    stack.use_until(10, "alert", "resolved")
    assert not poller.firing(AlertName(alert="HighMemoryUsage"))
    poller.stop()
    pending, firing, resolved = stack.events("alert")
    assert [pending.value, firing.value, resolved.value] == ["pending", "firing", "resolved"]
    assert leak_began <= pending.when <= pending.t
    assert firing.when - pending.when >= 1 - MILLISECOND  # what `for: 1m` is at this scale; later if evaluations fail
    assert firing.when <= firing.t <= fixed <= resolved.when <= resolved.t
    own = {"severity": "warning", "name": "oom", "source": "memory"}
    scraped = {"container": "gateway", "instance": stack.exporter.address, "job": "leakdrill"}
    assert firing.labels == {"alertname": "HighMemoryUsage", **own, **scraped}
    notices = stack.events("notification")
    assert [n.labels["receiver"] for n in notices] == ["drill"] * len(notices)
    assert next(n for n in notices if n.value == "firing").when == pytest.approx(firing.when, abs=0.05)
    assert next(n for n in notices if n.value == "resolved").when == pytest.approx(resolved.when, abs=0.3)
    assert [e.value for e in stack.events("alert", "Mistyped")] == []


def test_a_late_poll_tells_the_same_times(stack: Stack) -> None:
    """One poll at the end records the transitions that frequent polls recorded, at the same times."""
    stack.start_watching()
    late, often = stack.watch(), stack.watch()
    often.start()
    stack.use_until(80, "alert", "firing")
    stack.use_until(10, "alert", "resolved")
    stack.use_for(0, 1)
    often.stop()
    before = len(stack.recorder.history())
    late.stop()
    events = [e for e in stack.recorder.history() if e.name == "alert"]
    told = [
        sorted((str(e.value), e.labels["alertname"], round(e.when, 1)) for e in part)
        for part in ([e for e in events if e.index < before], [e for e in events if e.index >= before])
    ]
    assert [t[:2] for t in told[0]] == [t[:2] for t in told[1]]
    assert [t[2] for t in told[0]] == pytest.approx([t[2] for t in told[1]], abs=0.11)
    assert ("inactive", "NeverLongEnough") in [t[:2] for t in told[1]]


def test_a_killed_prometheus_is_seen(stack: Stack) -> None:
    """After a SIGKILL in the middle, polls are recorded without a value and with the error, and nothing is left."""
    prometheus = stack.start()
    poller = stack.watch(every_s=0.1)
    poller.start()
    wait_for(lambda: bool(stack.named("poll")), what="a poll", timeout_s=60)
    os.kill(prometheus.pid, signal.SIGKILL)
    wait_for(lambda: refused(stack.named("poll")[-1]), what="a poll without an answer", timeout_s=60)
    poller.stop()
    polls = stack.named("poll")
    counts = {"up": 1.0, "alerts_firing": 0.0, "alerts_pending": 0.0, "rules_failing": 0.0}
    assert polls[0].value.items() >= counts.items()
    assert "connection refused" in polls[-1].labels["error"]
    assert not prometheus.alive()
    prometheus.stop()
    assert [e.data["path"] for e in stack.journal.pending() if e.kind == "folder"] == [
        str(stack.folder / "alertmanager" / "data")
    ]


def refused(poll: Event) -> bool:
    """Whether nobody listened any more; a poll that was under way at the kill breaks off in another way."""
    return poll.value is None and "connection refused" in poll.labels["error"]


def test_a_mistyped_label_matches_nothing(stack: Stack) -> None:
    """Each selector of each rule is counted; the mistyped one has no series."""
    stack.start_watching()
    stack.use_for(10, 0.5)
    record_selector_counts(stack.url, stack.recorder, stack.rules.alerts)
    counts = {(e.labels["alert"], e.labels["selector"]): e.value for e in stack.named("selector")}
    assert counts["Mistyped", 'container_memory_usage_bytes{contaner="gateway"}'] == 0
    assert counts["HighMemoryUsage", 'container_memory_usage_bytes{container="gateway"}'] == 1
    assert counts["HighMemoryUsage", "container_spec_memory_limit_bytes"] == 1


def test_nothing_is_left_after_stop(stack: Stack) -> None:
    """Processes carry the run's mark and stand in the journal; after stop they, and their data, are gone."""
    prometheus = stack.start()
    pids = [prometheus.pid, stack.alertmanager.pid]
    assert [psutil.Process(pid).environ()[MARKER] for pid in pids] == ["run-1", "run-1"]
    planned = {e.data.get("pid"): e for e in read_journal(stack.folder / "journal.jsonl") if e.kind == "process"}
    assert set(planned) == set(pids)
    assert planned[pids[0]].data["create_time"] == psutil.Process(pids[0]).create_time()
    prometheus.stop()
    stack.alertmanager.stop()
    prometheus.stop()
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert read_journal(stack.folder / "journal.jsonl") == []
    assert not (stack.folder / "prometheus" / "data").exists()
    assert (stack.folder / "prometheus" / "prometheus.log").exists()


def test_a_rule_that_fails_is_recorded_once(tmp_path: Path) -> None:
    """A rule that cannot be evaluated shows as one `rule_error` with Prometheus' own words."""
    broken = "groups: [{name: g, rules: [{alert: A, expr: 'up / on () group_left () {job=~\".+\"}'}]}]"
    stack = Stack(tmp_path, broken)
    try:
        stack.start_watching()
        poller = stack.watch()
        poller.start()
        stack.use(10)
        wait_for(lambda: bool(stack.named("rule_error")), what="a rule error", timeout_s=60)
        stack.use_for(10, 0.6)
        poller.stop()
        (error,) = stack.named("rule_error")
        assert "many" in str(error.value)
        assert error.labels["rule"] == "A"
    finally:
        stack.stop()


def test_a_prometheus_that_cannot_start_says_why(tmp_path: Path) -> None:
    """A configuration that Prometheus refuses ends in an error with its log, and leaves nothing."""
    recorder, journal = Recorder(tmp_path / "history.jsonl"), Journal(tmp_path / "journal.jsonl")
    bad = tmp_path / "bad.yaml"
    bad.write_text("groups: nonsense")
    server = PrometheusServer(
        tmp_path, recorder, journal, run_id="run-1", scrape_targets=[], rules_files=[bad], evaluation_interval_s=0.5
    )
    try:
        with pytest.raises(ComponentDied, match=r"bad\.yaml"):
            server.start()
        assert journal.pending() == []
        assert recorder.history().acts(PrometheusStart)[0].succeeded is False
    finally:
        recorder.close()
        journal.close()


def test_a_broken_delivery_is_refused_and_recorded(tmp_path: Path) -> None:
    """What is no Alertmanager JSON is answered 400; what is no delivery at all, 404."""
    recorder = Recorder(tmp_path / "history.jsonl")
    webhook = Webhook(recorder)
    webhook.start()
    answers = [
        httpx.post(f"{webhook.url}/team%2Fpager", content=body, trust_env=False).status_code
        for body in (b"{", b"[]", b'{"alerts": [{"status": "firing"}]}', b'{"alerts": []}')
    ]
    other = httpx.post(webhook.url.replace("notify", "other"), content=b"{}", trust_env=False).status_code
    webhook.stop()
    bad = recorder.history().where(name="bad_notification")
    assert answers == [400, 400, 400, 200]
    assert other == 404
    assert [e.labels["receiver"] for e in bad] == ["team/pager"] * 3
    recorder.close()
