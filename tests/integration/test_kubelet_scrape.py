"""A real Prometheus and a stand-in for a kubelet: what is scraped, what is dropped, what is said when none comes."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from leakdrill.alerting.kubelet_series import LOOKBACK_AT_LEAST_S, KubeletSeries
from leakdrill.alerting.prometheus import PrometheusServer
from leakdrill.alerting.prometheus_api import PrometheusApi
from leakdrill.record.history import read_history
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.targets.kubernetes.kubelet_scrape import scrape_job, targets
from leakdrill.targets.kubernetes.workload_kind import DEPLOYMENT
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leakdrill.record.history import Event

pytestmark = [pytest.mark.integration, pytest.mark.long]

MEASURED_BEFORE_S = 12.0
TOKEN = "of the run"  # noqa: S105 - it opens a server that lives for seconds


class Kubelet:
    """Answers as an API server does that passes on a kubelet's cAdvisor; `broken` makes it answer 503."""

    def __init__(self) -> None:
        self.broken = False
        kubelet = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = self.headers["Authorization"] == f"Bearer {TOKEN}"
                asked = self.path == "/api/v1/nodes/node-1/proxy/metrics/cadvisor"
                body = page().encode()
                self.send_response(503 if kubelet.broken else 200 if known and asked else 403)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def page() -> str:
    at = round((time.time() - MEASURED_BEFORE_S) * 1000)
    rows = [("run-1", "web-7d9-x2x4z", "web"), ("run-1", "web-7d9-x2x4z", "POD"), ("run-1", "db-0", "db")]
    rows += [("other", "web-7d9-x2x4z", "web"), ("", "", "")]
    return "".join(
        f'container_memory_usage_bytes{{container="{container}",namespace="{namespace}",pod="{pod}"}} 7 {at}\n'
        for namespace, pod, container in rows
    )


class Scraped:
    """Prometheus, sent to the kubelet as a drill sends it."""

    def __init__(self, folder: Path) -> None:
        self.kubelet = Kubelet()
        self.file = folder / "history.jsonl"
        self._recorder, self._journal = Recorder(self.file), Journal(folder / "journal.jsonl")
        (folder / "token").write_text(TOKEN)
        (folder / "nodes.json").write_text(json.dumps(targets(self.kubelet.address, {"node-1"}, {"team": "shop"})))
        job = scrape_job(
            self.kubelet.address,
            namespace="run-1",
            pods=DEPLOYMENT.pod_names("web"),
            nodes_file=folder / "nodes.json",
            tls={},
            token_file=folder / "token",
        )
        self.prometheus = PrometheusServer(
            folder,
            self._recorder,
            self._journal,
            run_id="run-1",
            scrape_targets=[],
            more_jobs=[job],
            rules_files=[],
            time_scale=60,
            lookback_at_least_s=LOOKBACK_AT_LEAST_S,
        )
        self.prometheus.start()
        self.series = KubeletSeries(self.prometheus.url, "kubelet", self._recorder)
        self.series.start()

    def looked(self) -> list[Event]:
        return read_history(self.file).where(source="prometheus", name="kubelet")

    def close(self) -> None:
        self.series.stop()
        self.prometheus.stop()
        self.kubelet.close()
        self._recorder.close()
        self._journal.close()


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    """One for all tests here; the last of them breaks the kubelet."""
    made = Scraped(tmp_path_factory.mktemp("scraped"))
    made.series.wait_for_series()
    yield made
    made.close()


def test_the_series_of_the_runs_pods_are_there_with_the_kubelets_own_times(scraped: Scraped) -> None:
    """A measurement of 12 s ago is not too old, even where production's five minutes are five seconds."""
    api = PrometheusApi(scraped.prometheus.url)
    rows = api.query("time() - timestamp(container_memory_usage_bytes)")
    api.close()
    found = {(row["metric"]["pod"], row["metric"]["container"]): row for row in rows}
    assert set(found) == {("web-7d9-x2x4z", "web"), ("web-7d9-x2x4z", "POD")}
    row = found["web-7d9-x2x4z", "web"]
    assert float(row["value"][1]) >= MEASURED_BEFORE_S
    assert (row["metric"]["job"], row["metric"]["node"], row["metric"]["team"]) == ("kubelet", "node-1", "shop")


def test_what_came_is_recorded(scraped: Scraped) -> None:
    value = next(e.value for e in scraped.looked() if e.value is not None)
    assert isinstance(value, dict)
    assert (value["targets"], value["series"], value["age_s"] >= MEASURED_BEFORE_S) == (1, 1, True)
    assert scraped.series.lost is None


def test_a_kubelet_that_does_not_answer_is_recorded_with_the_reason(scraped: Scraped) -> None:
    """Its series linger, as they do in production; that they do must not look like an answer."""
    scraped.kubelet.broken = True
    (last,) = wait_for(
        lambda: [e for e in scraped.looked()[-1:] if e.value is None] or None,
        what="a look without an answer",
        timeout_s=30,
    )
    assert "the kubelet of node node-1 was not scraped" in last.labels["error"]
    assert "503" in last.labels["error"]
