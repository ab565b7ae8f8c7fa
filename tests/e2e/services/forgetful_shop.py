"""A shop that keeps a session for each request to /cart while a flag is on; nobody has declared how large one is."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sessions = []
flags = {"leak": False}


class Shop(BaseHTTPRequestHandler):
    """Answers everything, and knows OPTIONS of nothing."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if flags["leak"] and self.path == "/cart":
            sessions.append(bytearray(60_000))
        self.answer()

    def do_POST(self):
        flags.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.answer()

    def answer(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        """Say nothing."""


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
