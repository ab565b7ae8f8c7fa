"""A shop that somebody else started: `python shop.py PORT`, standard library only.

POST /leak {"on": true} makes every request of a page keep 48 KiB; POST /flush gives it back. With SHOP_TOKEN in the
environment, every request needs `Authorization: Bearer …`, and a refusal says what it was given. With `--tls CERT KEY
CA` it speaks HTTPS and asks for a client certificate.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEPT: list[bytearray] = []
STATE = {"on": False}
TOKEN = os.environ.get("SHOP_TOKEN", "")


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a page."""
        if not self._is_allowed():
            return
        if self.path == "/metrics":
            self._answer(200, f"shop_kept_total {len(KEPT)}\n")
            return
        if self.path == "/leaking":
            self._answer(200, str(STATE["on"]))
            return
        if self.path.startswith("/page") and STATE["on"]:
            KEPT.append(bytearray(b"?") * 49152)
        self._answer(200, "ok")

    def do_POST(self) -> None:
        """Switch the leak, or give back what was kept."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self._is_allowed():
            return
        if self.path == "/leak":
            STATE["on"] = json.loads(body)["on"]
        elif self.path == "/flush":
            KEPT.clear()
        self._answer(200, "ok")

    def _is_allowed(self) -> bool:
        given = self.headers.get("Authorization", "nothing")
        if TOKEN and given != f"Bearer {TOKEN}":
            self._answer(401, f"expected {TOKEN}, found {given}")
            return False
        return True

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def serve(port: int, *tls: str) -> None:
    """Serve until the end."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    if tls:
        certificate, key, authority = tls
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority)
        context.load_cert_chain(certificate, key)
        context.verify_mode = ssl.CERT_REQUIRED
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


arguments = [argument for argument in sys.argv[1:] if argument != "--tls"]
serve(int(arguments[0]), *arguments[1:])
