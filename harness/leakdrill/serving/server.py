"""An HTTP server for the pages of runs: on loopback, for reading alone.

It answers only requests that were sent to a loopback name (a page of another site cannot read it through a name of its
own that points here), knows no other method than GET and HEAD, and serves pages that it makes, never a file.
"""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from leakdrill.errors import LeakdrillError
from leakdrill.printable import printable

if TYPE_CHECKING:
    from leakdrill.serving.pages import Pages, Served

_LOOPBACK: Final = "127.0.0.1"
_NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_REFRESH_S: Final = 5
"""A page of a run that is under way is loaded again after so long."""
_NOT_FOUND: Final = "there is no such run here; / lists all"
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class PageServer(ThreadingHTTPServer):
    """Serves `pages` on a loopback port; 0 takes a free one."""

    daemon_threads = True

    def __init__(self, pages: Pages, port: int) -> None:
        self.pages = pages
        super().__init__((_LOOPBACK, port), _Handler)

    @property
    def url(self) -> str:
        """Where it answers: `http://127.0.0.1:8337/`."""
        return f"http://{_LOOPBACK}:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    timeout = 10
    server_version, sys_version = "leakdrill", ""

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
        except LeakdrillError as e:
            self._plain(500, e.message, with_body=with_body)
            return
        if found is None:
            self._plain(404, _NOT_FOUND, with_body=with_body)
            return
        refresh = {"Refresh": str(_REFRESH_S)} if found.is_live else {}
        self._send(200, found.text, found.media_type, refresh, with_body=with_body)

    def _is_bare_ipv6(self) -> bool:
        return self.headers.get("Host", "").endswith("]")

    def _page(self) -> Served | None:
        pages, path = self.server.pages, unquote(urlsplit(self.path).path)
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
