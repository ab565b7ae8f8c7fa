"""A server of the standard library that remembers when what arrived, and how many requests it works on."""

from __future__ import annotations

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Arrival(NamedTuple):
    t: float
    method: str
    path: str
    body: bytes
    headers: dict[str, str]


class WatchedServer(ThreadingHTTPServer):
    """Answers the status that the path names (`/status/404`), else 200, after `work_s` and while it `may_answer`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.work_s = 0.02
        self.arrivals: list[Arrival] = []
        self.in_flight = 0
        self.lock = threading.Lock()
        self.may_answer = threading.Event()
        self.may_answer.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def since(self, index: int) -> list[Arrival]:
        with self.lock:
            return self.arrivals[index:]


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, WatchedServer)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        arrival = Arrival(time.monotonic(), self.command, self.path, body, dict(self.headers.items()))
        with server.lock:
            server.arrivals.append(arrival)
            server.in_flight += 1
        time.sleep(server.work_s)
        server.may_answer.wait()
        with server.lock:
            server.in_flight -= 1
        self.send_response(int(self.path.rpartition("/")[2]) if self.path.startswith("/status/") else 200)
        self.send_header("Content-Length", "2")
        if self.path == "/login":
            self.send_header("Set-Cookie", "session=abc")
        with contextlib.suppress(ConnectionError):  # a load that is killed does not wait for its answers
            self.end_headers()
            self.wfile.write(b"ok")

    do_POST = do_GET  # noqa: N815 - the names that the standard library calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
        pass
