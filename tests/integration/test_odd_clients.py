"""The servers of a drill (webhook, relay) and what it asks of a service: odd clients and odd answers break neither."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from recorded_api import recorded_api

from leakdrill.alerting.metrics_relay import MetricsRelay
from leakdrill.alerting.webhook import Webhook
from leakdrill.first_scenario.trial import _has_metrics
from leakdrill.machine.http_access import ANYONE
from leakdrill.machine.http_client import bounded_client
from leakdrill.meters.replica_requests import ReplicaRequests
from leakdrill.meters.service import ServiceMeter
from leakdrill.meters.torch_allocator import TorchMeter
from leakdrill.record.recorder import Recorder
from leakdrill.targets.compose.undo import _leaks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]
POST = b"POST /notify/x HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    made = Recorder(tmp_path / "history.jsonl")
    yield made
    made.close()


@pytest.fixture
def webhook(recorder: Recorder) -> Iterator[Webhook]:
    receiver = Webhook(recorder)
    receiver.start()
    yield receiver
    receiver.stop()


def connected(address: str) -> socket.socket:
    host, port = address.removeprefix("http://").split("/")[0].split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def status_of(address: str, request: bytes) -> int:
    with connected(address) as connection:
        connection.sendall(request)
        return int(connection.recv(2**16).split(b" ")[1])


def reset(address: str, request: bytes) -> None:
    connection = connected(address)
    connection.sendall(request)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("length", [b"x", b"-1", b"1.5", b"9" * 5000, b"0x10", b"+1"])
def test_a_notification_of_no_length_is_refused(
    webhook: Webhook, length: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(webhook.url, POST + b"Content-Length: " + length + b"\r\n\r\n") == 400
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"alerts": [5]}',
        b'{"alerts": {"a": 1}}',
        b'{"alerts": [{"status": "firing", "labels": [], "startsAt": 5}]}',
        b'{"alerts": [{"status": "firing", "labels": {}, "startsAt": "0001-01-01T00:00:00+23:59"}]}',
        b'{"alerts": [{"status": "firing", "labels": {}, "startsAt": "9999-12-31T23:59:59"}]}',
        b"NaN",
        b"\xff",
    ],
)
def test_a_notification_that_makes_no_sense_is_answered_and_nothing_is_printed(
    webhook: Webhook, body: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    request = POST + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    assert status_of(webhook.url, request) in (200, 400)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("sent", [b"", b"POST /notify", POST, POST + b"Content-Length: 100\r\n\r\nhalf"])
def test_whoever_resets_leaves_no_word_on_the_terminal(
    webhook: Webhook, sent: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(5):
        reset(webhook.url, sent)
    time.sleep(0.3)
    assert status_of(webhook.url, POST + b"Content-Length: 2\r\n\r\n{}") == 400
    assert capsys.readouterr() == ("", "")


def serving(headers: dict[str, str], body: bytes) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        """Answers the same to everybody."""

        def do_GET(self) -> None:
            self.send_response(200)
            for name, text in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("seconds", ["x", "nan", "inf", "-1", "1e400", "9" * 5000, ""])
@pytest.mark.parametrize("media_type", ["text/plain", "text/plän", "text/\u20ac", "x" * 500])
def test_metrics_are_passed_on_whatever_is_said_of_time_and_type(
    seconds: str, media_type: str, capsys: pytest.CaptureFixture[str]
) -> None:
    written = media_type.encode().decode("latin-1")
    for url in serving({"Content-Type": written}, b"shop_kept_total 7\n"):
        relay = MetricsRelay(f"{url}/metrics", ANYONE)
        relay.start()
        try:
            connection = http.client.HTTPConnection(relay.address.split("/", maxsplit=1)[0], timeout=20)
            connection.request("GET", "/metrics", headers={"X-Prometheus-Scrape-Timeout-Seconds": seconds})
            response = connection.getresponse()
            assert (response.status, response.read()) == (200, b"shop_kept_total 7\n")
            connection.close()
            reset(relay.address, b"GET /metrics HTTP/1.1\r\n\r\n")
        finally:
            relay.stop()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("charset", ["hex", "zip", "rot13", "undefined", "idna", "utf-16", "none"])
def test_a_page_of_metrics_is_read_whatever_its_charset_is_called(charset: str) -> None:
    for url in serving({"Content-Type": f"text/plain; charset={charset}"}, b"# TYPE shop counter\nshop 7\n"):
        with bounded_client(timeout_s=5) as client:
            assert _has_metrics(client, int(url.rpartition(":")[2]))


@pytest.mark.parametrize(
    "answer",
    [None, 5, [], {}, {"leaks": None}, {"leaks": {}}, {"leaks": [5]}, {"leaks": [{}]}, {"leaks": [{"name": 5}]},
     b"<html>", b"", b"[" * 100_000],
)  # fmt: skip
def test_leaks_of_an_odd_form_are_told_and_not_guessed_at(answer: Any) -> None:
    with recorded_api(lambda *_: answer) as server, httpx.Client(base_url=server.url) as client:
        with pytest.raises(ValueError, match=r"."):
            _leaks(client)
        server.status = 404
        assert _leaks(client) == []


@pytest.mark.parametrize("path", ["/metrics\x01", "/" + "m" * 70_000])
def test_a_path_that_no_request_can_have_is_a_reading_that_failed(path: str) -> None:
    url = "http://127.0.0.1:9"
    for meter in (ServiceMeter(url + path, access=ANYONE), TorchMeter(url + path, access=ANYONE)):
        with pytest.raises(OSError, match="GET http"):
            meter.read()
        meter.close()
    replicas = ReplicaRequests(lambda: {"one": url}, path, access=ANYONE)
    assert replicas.read() is None
    replicas.close()


def test_leaks_with_names_are_those_that_are_there() -> None:
    leaks = {"leaks": [{"name": "cache", "on": True, "more": 1}]}
    with recorded_api(lambda *_: leaks) as server, httpx.Client(base_url=server.url) as client:
        assert [leak["name"] for leak in _leaks(client)] == ["cache"]
        assert json.dumps(_leaks(client))
