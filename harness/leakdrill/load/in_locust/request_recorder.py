"""Records requests on their way out of Locust's HTTP clients, below the locustfile and above the socket.

Both clients are hooked at two levels: their `request`, which knows whether redirects are followed and the status of
the response, and the last step before the wire, which knows the final path, headers and body.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import gevent
import requests
from geventhttpclient.useragent import CompatResponse
from locust import HttpUser
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession, FastHttpUser, LocustUserAgent

from leakdrill.load.in_locust.corpus_file import Request, refusal_line, request_line
from leakdrill.load.in_locust.replaced_method import replace_method

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

MOST_REQUESTS: Final = 1000
MOST_BYTES: Final = 16 * 1024 * 1024

_MADE_BY_THE_CONNECTION: Final = {"host", "content-length", "transfer-encoding", "connection", "keep-alive"}


@dataclass(slots=True)
class _Wire:
    """A request before its response; `index` is None until it goes to the target's wire."""

    base_url: str
    index: int | None = None
    t: float = 0.0
    method: str = ""
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def request(self, *, redirects: bool, status: int) -> Request:
        return Request(self.t, self.method, self.path, self.headers, self.body, redirects, status)


class RequestRecorder:
    """Writes the first requests that are answered to `path`, up to a number and a size.

    Args:
        path: the corpus; replaced when it exists.
        most_requests: how many.
        most_bytes: of the file, about.
    """

    def __init__(self, path: Path, *, most_requests: int = MOST_REQUESTS, most_bytes: int = MOST_BYTES) -> None:
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb", buffering=0)
        self._most_requests = most_requests
        self._most_bytes = most_bytes
        self._bytes = 0
        self._begun = 0
        self._first_at: float | None = None
        self._expected: dict[Any, _Wire] = {}

    def install(self) -> None:
        """Hook Locust's HTTP clients, before the locustfile is loaded."""
        for session in (HttpSession, FastHttpSession):
            replace_method(session, "request", self._around)
        replace_method(HttpSession, "send", self._before_requests)
        replace_method(LocustUserAgent, "_urlopen", self._before_fast)

    def check_users(self, classes: Iterable[type]) -> str | None:
        """Returns why users of these classes cannot be recorded; None when all of them have an HTTP client."""
        others = [user.__name__ for user in classes if not issubclass(user, HttpUser | FastHttpUser)]
        return f"user class {', '.join(others)} has no HTTP client of Locust's" if others else None

    def on_request(self, request_type: str, name: str, response: Any = None, **_fields: Any) -> None:
        """Handle Locust's `request` event: a request that neither HTTP client sent cannot be sent again."""
        if not self._full and not isinstance(response, requests.Response | CompatResponse):
            self._refuse(f"{request_type} {name} is no request of Locust's HTTP clients")

    @property
    def _full(self) -> bool:
        return self._begun >= self._most_requests or self._bytes >= self._most_bytes

    def _around(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def request(session: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
            if self._full:
                return original(session, method, url, *args, **kwargs)
            greenlet = gevent.getcurrent()
            wire = self._expected[greenlet] = _Wire(str(session.base_url))
            try:
                response = original(session, method, url, *args, **kwargs)
            finally:
                self._expected.pop(greenlet, None)
            self._keep(wire, redirects=bool(kwargs.get("allow_redirects", True)), status=response.status_code)
            return response

        return request

    def _before_requests(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def send(session: Any, request: requests.PreparedRequest, **kwargs: Any) -> Any:
            self._note(request.method, str(request.url), request.headers.items(), request.body)
            return original(session, request, **kwargs)

        return send

    def _before_fast(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def urlopen(agent: Any, request: Any) -> Any:
            split = request.url_split
            path = getattr(split, "quoted_uri", split.request_uri)
            self._note(
                request.method, f"{split.scheme}://{split.netloc}{path}", request.headers.items(), request.payload
            )
            return original(agent, request)

        return urlopen

    def _note(self, method: str | None, url: str, headers: Iterable[tuple[str, Any]], body: Any) -> None:
        """Take the first request of a call; redirects follow in the same call, and replay by themselves."""
        wire = self._expected.pop(gevent.getcurrent(), None)
        if wire is None or _origin(url) != _origin(wire.base_url):
            return
        if body is not None and not isinstance(body, str | bytes | bytearray):
            self._refuse(f"{method} {urlsplit(url).path} sends a stream")
            return
        now = time.monotonic()
        if self._first_at is None:
            self._first_at = now
        split = urlsplit(url)
        wire.index, self._begun = self._begun, self._begun + 1
        wire.t, wire.method = now - self._first_at, str(method)
        wire.path = (split.path or "/") + (f"?{split.query}" if split.query else "")
        wire.headers = {name: _text(value) for name, value in headers if name.lower() not in _MADE_BY_THE_CONNECTION}
        wire.body = body.encode() if isinstance(body, str) else bytes(body or b"")

    def _keep(self, wire: _Wire, *, redirects: bool, status: int | None) -> None:
        """Write the request, when it was for the target and got a response."""
        if wire.index is not None and status:
            self._write(request_line(wire.index, wire.request(redirects=redirects, status=status)))

    def _refuse(self, reason: str) -> None:
        self._begun = self._most_requests
        self._write(refusal_line(reason))

    def _write(self, line: bytes) -> None:
        self._file.write(line)
        self._bytes += len(line)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    split = urlsplit(url)
    return split.scheme, split.hostname, split.port or {"http": 80, "https": 443}.get(split.scheme)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
