"""The metrics of a service that asks who sends a request: Prometheus gets them, and no secret of anybody's."""

from __future__ import annotations

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import broken_server as broken
import httpx
import pytest
from broken_server import broken_server

from leakdrill.alerting.metrics_relay import MetricsRelay
from leakdrill.alerting.prometheus import PrometheusServer
from leakdrill.alerting.prometheus_api import PrometheusApi
from leakdrill.alerting.scrape_target import ScrapeTarget
from leakdrill.errors import ComponentDied
from leakdrill.machine.http_access import Access
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

TOKEN = "t0ken-of-the-shop"  # noqa: S105 - it opens a service that lives for seconds
PAGE = b"# TYPE shop_kept_total counter\nshop_kept_total 7\n"
LET_IN = Access(headers={"Authorization": f"Bearer {TOKEN}"})


class Shop(BaseHTTPRequestHandler):
    """Shows its metrics to whoever has the token."""

    def do_GET(self) -> None:
        """Answer."""
        allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(PAGE) if allowed else 0))
        self.end_headers()
        if allowed:
            self.wfile.write(PAGE)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def shop() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/metrics"
    server.shutdown()
    thread.join()
    server.server_close()


@contextlib.contextmanager
def relay(url: str, access: Access = LET_IN) -> Iterator[MetricsRelay]:
    made = MetricsRelay(url, access)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        made.stop()


def ask(one: MetricsRelay, timeout_s: float = 5.0) -> httpx.Response:
    """One scrape."""
    waits = {"X-Prometheus-Scrape-Timeout-Seconds": f"{timeout_s:g}"}
    return httpx.get(f"http://{one.address}", headers=waits, trust_env=False, timeout=20)


def test_the_page_is_passed_on_as_it_is(shop: str) -> None:
    with relay(shop) as one:
        answer = ask(one)
        assert (answer.status_code, answer.content) == (200, PAGE)
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4"
        assert httpx.get(f"http://{one.address}/other", trust_env=False).status_code == 404


def test_a_refusal_is_passed_on(shop: str) -> None:
    with relay(shop, Access(headers={"Authorization": "Bearer of somebody else"})) as one:
        answer = ask(one)
        assert (answer.status_code, answer.reason_phrase) == (401, "Unauthorized")


@pytest.mark.parametrize(
    ("way", "reason", "timeout_s"),
    [
        (broken.never_answers, "timed out", 0.1),
        (broken.sends_200_mb, "the response is longer than 32 MiB", 10),
        (broken.sends_garbage, "illegal", 10),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_a_service_that_is_broken_is_told_in_the_status_line(way: Any, reason: str, timeout_s: float) -> None:
    with broken_server(way) as url, relay(f"{url}/metrics") as one:
        answer = ask(one, timeout_s=timeout_s)
        assert answer.status_code == 502
        assert reason in answer.reason_phrase


def test_a_service_that_is_gone_is_told_in_the_status_line() -> None:
    with relay("http://127.0.0.1:1/metrics") as one:
        assert "refused" in ask(one).reason_phrase


def test_prometheus_that_gives_up_leaves_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    with broken_server(broken.closes_late) as url, relay(f"{url}/metrics") as one:
        with contextlib.suppress(httpx.ReadTimeout):
            httpx.get(f"http://{one.address}", timeout=0.1, trust_env=False)
        time.sleep(0.4)  # the relay has its answer now, and nobody to give it to
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.long
def test_prometheus_scrapes_through_it_with_the_labels_of_the_service(shop: str, tmp_path: Path) -> None:
    recorder, journal = Recorder(tmp_path / "history.jsonl"), Journal(tmp_path / "journal.jsonl")
    with contextlib.ExitStack() as closing:
        closing.callback(recorder.close)
        closing.callback(journal.close)
        let_in = closing.enter_context(relay(shop))
        refused = closing.enter_context(relay(shop, Access(headers={"Authorization": "Bearer other"})))
        origin = "https://shop.example.com/metrics"
        server = PrometheusServer(
            tmp_path,
            recorder,
            journal,
            run_id="run-1",
            scrape_targets=[
                ScrapeTarget(job="shop", address=let_in.address, origin=origin),
                ScrapeTarget(job="other", address=refused.address, origin="http://[::1]:9/metrics"),
            ],
            rules_files=[],
        )
        closing.callback(server.stop)
        server.start()
        with pytest.raises(ComponentDied) as raised:
            server.wait_until_watching(timeout_s=8)
        told = "http://[::1]:9/metrics was not scraped: server returned HTTP status 401 Unauthorized"
        assert told in raised.value.message
        assert origin not in raised.value.message
        api = PrometheusApi(server.url)
        closing.callback(api.close)
        (series,) = api.query("shop_kept_total")
        assert series["metric"] == {
            "__name__": "shop_kept_total", "instance": "shop.example.com:443", "job": "shop",
        }  # fmt: skip
        assert TOKEN not in (tmp_path / "prometheus" / "prometheus.yml").read_text()
