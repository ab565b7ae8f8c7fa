"""Passes the metrics of a service that asks who sends a request on to the drill's Prometheus.

Prometheus could be given headers and certificates itself, but only in files that lie beside the record, no headers
before version 2.55, and no key with a password. So it asks here, and the secrets stay in this process.
"""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

import httpx

from leakdrill.machine.http_client import bounded_client
from leakdrill.machine.quiet_server import QuietServer
from leakdrill.printable import printable

if TYPE_CHECKING:
    from leakdrill.machine.http_access import Access

_PATH: Final = "/metrics"
_TIMEOUT_HEADER: Final = "X-Prometheus-Scrape-Timeout-Seconds"
_USUAL_TIMEOUT_S: Final = 10.0
_LATER_S: Final = 1.0
"""Prometheus gives up first, and says so in its own words."""
_MOST_BYTES: Final = 32 * 1024 * 1024
_MOST_CHARS: Final = 200
_SECONDS: Final = re.compile(r"[0-9]{1,4}(\.[0-9]{1,9})?")
_PASSED_ON: Final = "Content-Type"


class MetricsRelay:
    """An HTTP server on a free loopback port that answers with what `url` answers.

    Args:
        url: of the service's metrics.
        access: how they are asked for.
    """

    def __init__(self, url: str, access: Access) -> None:
        self.url = url
        self.access = access
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.relay = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="relay", daemon=True)

    @property
    def address(self) -> str:
        """`host:port/path`, as a scrape target is written."""
        return f"127.0.0.1:{self._server.server_address[1]}{_PATH}"

    def start(self) -> None:
        """Begin to listen on a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening. May be called again."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(QuietServer, ThreadingHTTPServer):
    failed = "the service's metrics could not be passed on"
    daemon_threads = True
    relay: MetricsRelay


class _Handler(BaseHTTPRequestHandler):
    """One connection of Prometheus', and one to the service."""

    server: _Server
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        relay = self.server.relay
        self._client = bounded_client(timeout_s=_USUAL_TIMEOUT_S, most_bytes=_MOST_BYTES, access=relay.access)

    def finish(self) -> None:
        self._client.close()
        super().finish()

    def do_GET(self) -> None:
        if self.path != _PATH:
            self._respond(404, "", {}, b"")
            return
        timeout_s = _asked_timeout_s(self.headers.get(_TIMEOUT_HEADER) or "") + _LATER_S
        asked = {"Accept": self.headers.get("Accept", "*/*")}
        try:
            answer = self._client.get(self.server.relay.url, headers=asked, timeout=timeout_s)
        except (httpx.HTTPError, httpx.InvalidURL) as e:
            self._respond(502, str(e), {}, b"")
            return
        said = answer.headers.get(_PASSED_ON, "")
        kept = {_PASSED_ON: said} if said.isascii() and said.isprintable() and said else {}
        self._respond(answer.status_code, answer.reason_phrase, kept, answer.content)

    def _respond(self, status: int, reason: str, headers: dict[str, str], body: bytes) -> None:
        """Answer; Prometheus tells the `reason` of a failure as it stands here."""
        said = printable(reason).encode("ascii", "replace").decode()[:_MOST_CHARS]
        self.send_response(status, said or None)
        for name, text in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Print nothing: Prometheus says what it was not given."""


def _asked_timeout_s(text: str) -> float:
    """How long Prometheus waits, as it says; whoever says nothing of sense waits as long as it does by default."""
    return float(text) if _SECONDS.fullmatch(text) else _USUAL_TIMEOUT_S
