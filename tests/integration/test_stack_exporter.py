"""The stack's exporter over HTTP: each family once however many containers, and notifications in its log."""

from __future__ import annotations

import json
import threading

import httpx
import pytest

from leakdrill.alerting.exporter import Exporter
from leakdrill.record.history import Event
from staging.exporter import ProjectExporter, serve

pytestmark = pytest.mark.integration


class Told:
    """Readings of one container, told once."""

    started_at = 1.0

    def subscribe(self, listener):
        value = {"usage_bytes": 5.0, "limit_bytes": 10.0}
        listener(Event(index=0, t=0, phase="", source="cgroup", kind="sample", name="resources", value=value))


class Shown:
    """A container as the exporter holds it."""

    def __init__(self, name):
        self._exporter = Exporter(Told(), labels={"container": name, "name": f"stack_{name}_1"}, mountpoint=name)
        self.collect = self._exporter.collect

    def close(self):
        pass


@pytest.fixture
def url():
    collector = ProjectExporter(None, "stack")
    collector._update = lambda: None  # there is no engine: the containers are put in by hand
    collector._published.update({name: Shown(name) for name in ("gateway", "orders")})
    server = serve(collector, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_each_family_is_told_once_with_the_series_of_every_container(url):
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    families = [line for line in lines if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
    used = sorted(line for line in lines if line.startswith("container_memory_usage_bytes{"))
    assert used == [
        f'container_memory_usage_bytes{{container="{name}",name="stack_{name}_1"}} 5.0'
        for name in ("gateway", "orders")
    ]


def test_a_notification_is_taken_and_said_and_what_is_none_is_refused(url, capsys):
    alert = {"status": "firing", "labels": {"alertname": "HighMemoryUsage"}}
    assert httpx.post(f"{url}/notify/on-call", json={"alerts": [alert]}).status_code == 200
    assert json.loads(capsys.readouterr().out) == {
        "receiver": "on-call",
        "status": "firing",
        "alertname": "HighMemoryUsage",
    }
    assert httpx.post(f"{url}/notify/on-call", json={"alarms": []}).status_code == 400
    assert httpx.get(f"{url}/elsewhere").status_code == 404
