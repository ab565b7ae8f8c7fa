"""By which route a real Alertmanager leads an alert, and that one which the calendar mutes tells nobody."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from leakdrill.alerting.alertmanager import AlertmanagerServer
from leakdrill.alerting.inhibited import InhibitionPoller
from leakdrill.alerting.routed import RouteNotes
from leakdrill.alerting.routing import read_routing
from leakdrill.alerting.watched_delivery import DeliveryWatcher
from leakdrill.alerting.webhook import Webhook
from leakdrill.record.events import AlertRouted, Notification
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

ROUTING = """\
route:
  receiver: chat
  group_wait: 1s
  routes:
  - {receiver: pager, matchers: [team=shop], mute_time_intervals: [always]}
  - {receiver: pager, matchers: [team=cart], active_time_intervals: [never]}
  - {receiver: audit, matchers: [team=bank], continue: true}
  - {receiver: pager, matchers: [team=bank]}
receivers: [{name: chat}, {name: pager}, {name: audit}]
time_intervals:
- {name: always, time_intervals: [{times: [{start_time: "00:00", end_time: "24:00"}]}]}
- {name: never, time_intervals: [{years: ["1999"]}]}
"""


def test_an_alert_is_told_of_as_its_routes_say_and_not_while_the_calendar_mutes_them(tmp_path: Path) -> None:
    """Our reading of the tree is Alertmanager's: who is told, who is not, and what a watcher takes for told."""
    (tmp_path / "routing.yaml").write_text(ROUTING)
    recorder, journal = Recorder(tmp_path / "history.jsonl"), Journal(tmp_path / "journal.jsonl")
    seen_outside = Recorder(tmp_path / "outside.jsonl")
    webhook = Webhook(recorder)
    routing = read_routing(tmp_path / "routing.yaml", scale=10, webhook_url=webhook.url)
    server = AlertmanagerServer(tmp_path, recorder, journal, run_id="run-1", routing=routing)
    webhook.start()
    server.start()
    poller = InhibitionPoller(server.url, recorder, every_s=0.1, routes=RouteNotes(routing.tree, recorder))
    outside = DeliveryWatcher(server.url, seen_outside, every_s=0.1)
    outside.check()
    poller.start()
    outside.start()
    now = datetime.now(UTC).isoformat()
    alerts = [{"labels": {"alertname": "A", "team": team}, "startsAt": now} for team in ("shop", "cart", "bank", "")]
    httpx.post(f"{server.url}/api/v2/alerts", json=alerts, trust_env=False).raise_for_status()
    wait_for(lambda: len(recorder.history().of(Notification)) > 2, what="three notifications", timeout_s=30)
    time.sleep(1.5)  # what is muted would have come by now
    for one in (poller, outside, server, webhook, journal):
        getattr(one, "stop", getattr(one, "close", None))()
    recorder.close()
    seen_outside.close()

    expected = {("bank", "audit"), ("bank", "pager"), ("", "chat")}
    history = recorder.history()
    assert {(e.labels.get("team", ""), e.receiver) for e in history.of(Notification)} == expected
    routed = {(e.labels.get("team", ""), e.receiver): e for e in history.of(AlertRouted)}
    assert {key for key, event in routed.items() if not event.muted} == expected
    assert routed["shop", "pager"].muted == "within the time interval always"
    assert (routed["cart", "pager"].muted, routed["cart", "pager"].route) == (
        "outside of the time interval never",
        "routing.yaml:6",
    )
    assert {(e.labels.get("team", ""), e.receiver) for e in seen_outside.history().of(Notification)} == expected
