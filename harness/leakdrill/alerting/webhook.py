"""Receives what Alertmanager sends, as a receiver of the user's would, and records each alert in it."""

from __future__ import annotations

import json
import re
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from leakdrill.in_words import in_words
from leakdrill.machine.quiet_server import QuietServer
from leakdrill.record.events import BadNotification, Notification

if TYPE_CHECKING:
    from leakdrill.record.recorder import Recorder

_PATH: Final = "/notify/"
_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_MOST_BYTES: Final = 8 * 1024 * 1024


class Webhook:
    """An HTTP server on a free loopback port; give `url` to `routing`.

    Each alert of a delivery becomes a sample `notification` of source `alertmanager` with value `firing` or `resolved`,
    the alert's labels and `receiver`; `at` is Alertmanager's `startsAt`, or `endsAt` when it is resolved, while the
    event's own `t` is when it was delivered. A delivery that cannot be read is answered 400 and recorded as
    `bad_notification`.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.webhook = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="webhook", daemon=True)

    @property
    def url(self) -> str:
        """The address for deliveries, without the receiver's name: `http://127.0.0.1:40125/notify`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{_PATH.rstrip('/')}"

    def start(self) -> None:
        """Begin to listen on a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening. May be called again."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def deliver(self, receiver: str, body: bytes) -> bool:
        """Record one delivery to `receiver`; whether it could be read."""
        try:
            notices = [_notice(alert) for alert in json.loads(body)["alerts"]]
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as e:
            error = f"{in_words(e)}; expected Alertmanager's webhook JSON, version 4"
            self._recorder.record(BadNotification(receiver, error))
            return False
        for status, labels, epoch_s in notices:
            at = self._recorder.at_s(epoch_s)
            self._recorder.record(Notification(status, receiver=receiver, labels=labels, at=at))
        return True


class _Server(QuietServer, ThreadingHTTPServer):
    failed = "a notification could not be received"
    daemon_threads = True
    webhook: Webhook


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        if not _LENGTH.fullmatch(length):
            self.close_connection = True
            self._respond(400)
            return
        size = int(length)
        if not self.path.startswith(_PATH) or size > _MOST_BYTES:
            self.close_connection = True
            self._respond(404 if size <= _MOST_BYTES else 413)
            return
        receiver = unquote(self.path.removeprefix(_PATH))
        self._respond(200 if self.server.webhook.deliver(receiver, self.rfile.read(size)) else 400)

    def _respond(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Print nothing: the record holds what was delivered."""


def _notice(alert: dict[str, Any]) -> tuple[str, dict[str, str], float]:
    status = str(alert["status"])
    labels = {str(name): str(value) for name, value in alert["labels"].items()}
    when = alert["endsAt"] if status == "resolved" else alert["startsAt"]
    return status, labels, datetime.fromisoformat(when).timestamp()
