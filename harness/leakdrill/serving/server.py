"""An HTTP server for the pages of runs: on loopback, for reading alone.

It answers only requests that were sent to a loopback name (a page of another site cannot read it through a name of its
own that points here), knows no other method than GET and HEAD, and serves pages that it makes, never a file. A client
has ten seconds to send its request and as many to take the answer, and only so many are served at once.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes, urlsplit

from leakdrill.errors import LeakdrillError
from leakdrill.machine.quiet_server import QuietServer
from leakdrill.printable import printable
from leakdrill.serving.request_reader import RequestReader

if TYPE_CHECKING:
    from leakdrill.serving.pages import Pages, Served

_LOOPBACK: Final = "127.0.0.1"
_NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_REFRESH_S: Final = 5
"""A page of a run that is under way is loaded again after so long."""
_EACH_WAY_S: Final = 10.0
_MOST_CLIENTS: Final = 64
"""A browser opens six connections, some of them ahead of any request."""
_BUSY: Final = b"HTTP/1.0 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
_NOT_FOUND: Final = "there is no such run here; / lists all"
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class _NoPath(ValueError):  # noqa: N818 - the name says what it is
    """What was asked for is no path."""


class PageServer(QuietServer, ThreadingHTTPServer):
    """Serves `pages` on a loopback port; 0 takes a free one. A request, and its answer, may take `each_way_s` each."""

    failed = "a page could not be served"
    daemon_threads = True
    request_queue_size = _MOST_CLIENTS

    def __init__(self, pages: Pages, port: int, *, each_way_s: float = _EACH_WAY_S) -> None:
        self.pages, self.each_way_s = pages, each_way_s
        self._clients, self._counting = 0, threading.Lock()
        super().__init__((_LOOPBACK, port), _Handler)

    @property
    def url(self) -> str:
        """Where it answers: `http://127.0.0.1:8337/`."""
        return f"http://{_LOOPBACK}:{self.server_address[1]}/"

    @property
    def clients(self) -> int:
        """How many are served now."""
        return self._clients

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a client in a thread of its own; one too many is told so, and is not waited for."""
        if not self._take(1):
            with contextlib.suppress(OSError):
                request.settimeout(0)
                request.send(_BUSY)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._take(-1)  # no thread could be started
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one client to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._take(-1)

    def _take(self, count: int) -> bool:
        with self._counting:
            if self._clients + count > _MOST_CLIENTS:
                return False
            self._clients += count
            return True


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    server_version, sys_version = "leakdrill", ""

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(self.server.each_way_s)
        self.rfile.close()
        self.rfile = io.BufferedReader(RequestReader(self.connection, self.server.each_way_s))

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, *_: object) -> None:
        """Writes nothing: the terminal belongs to whoever started it."""

    def _answer(self, *, with_body: bool) -> None:
        host = self.headers.get("Host", "").rsplit(":", 1)[0] if not self._is_bare_ipv6() else self.headers["Host"]
        if host not in _NAMES:
            self._plain(403, "this server answers to 127.0.0.1 and localhost alone", with_body=with_body)
            return
        try:
            found = self._page()
        except _NoPath:
            self._plain(400, "this is no path of a page", with_body=with_body)
            return
        except LeakdrillError as e:
            self._plain(500, e.message, with_body=with_body)
            return
        except OSError as e:
            self._plain(500, f"the runs cannot be read: {e.strerror or e}", with_body=with_body)
            return
        if found is None:
            self._plain(404, _NOT_FOUND, with_body=with_body)
            return
        refresh = {"Refresh": str(_REFRESH_S)} if found.is_live else {}
        self._send(200, found.text, found.media_type, refresh, with_body=with_body)

    def _is_bare_ipv6(self) -> bool:
        return self.headers.get("Host", "").endswith("]")

    def _page(self) -> Served | None:
        pages, path = self.server.pages, _path(self.path)
        if path == "/":
            return pages.index()
        if path == "/index.json":
            return pages.data()
        return pages.run(path.strip("/").removesuffix("/report.html"))

    def _plain(self, status: int, text: str, *, with_body: bool) -> None:
        self._send(status, printable(text) + "\n", "text/plain", {}, with_body=with_body)

    def _send(self, status: int, text: str, media_type: str, more: dict[str, str], *, with_body: bool) -> None:
        body = text.encode("utf-8", "backslashreplace")
        self.send_response(status)
        headers = {"Content-Type": f"{media_type}; charset=utf-8", "Content-Length": str(len(body))}
        for name, value in {**headers, **_HEADERS, **more}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)


def _path(target: str) -> str:
    """The path that a request names, as names of files have it: what is no UTF-8 in them is kept.

    Raises:
        _NoPath: when it names none.
    """
    try:
        return os.fsdecode(unquote_to_bytes(urlsplit(target).path.encode("latin-1")))
    except ValueError as e:
        raise _NoPath from e
