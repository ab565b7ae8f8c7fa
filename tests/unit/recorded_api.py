"""An API server on loopback that answers what a function says, and keeps every request."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Answer = Callable[[str, str, Any], Any]
    """Of a method, a path with its query, and a body read from JSON: what is answered as JSON; bytes as they are."""


class RecordedApi(ThreadingHTTPServer):
    """What came, in order: `requests` are methods and paths, beside them `headers` and `bodies`."""

    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.status = 200
        self.refusal: Any = {"message": "no"}
        self.more: dict[str, str] = {}
        self.requests: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[Any] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: RecordedApi

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        self.server.requests.append((self.command, self.path))
        self.server.headers.append(dict(self.headers))
        self.server.bodies.append(body)
        found = self.server.answer(self.command, self.path, body) if self.server.status == 200 else self.server.refusal
        text = found if isinstance(found, bytes) else json.dumps(found).encode()
        self.send_response(self.server.status)
        for name, value in {**self.server.more, "Content-Length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_PATCH = do_PUT = do_GET  # noqa: N815 - as http.server calls them

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def recorded_api(answer: Answer) -> Iterator[RecordedApi]:
    """Runs one until the end of the block."""
    server = RecordedApi(answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
