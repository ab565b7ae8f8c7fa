"""A small service that leaks on request and breaks on request: the target of drills that must not pass.

`POST /fault?name=hangs` breaks it in the way that `FAULTS` names; the environment variable FAULT does so from the
start. It needs no package, so that it runs anywhere.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

LEAKED_BYTES = 256 * 1024
ELSEWHERE = "http://192.0.2.1/elsewhere"  # an address that is reserved for examples: nobody must be led there

held: list[bytearray] = []
state = {"leaks": False, "rate": 1.0, "busy": 0.0}
faults: set[str] = set()


def hang() -> None:
    """Accept and never answer."""
    faults.add("hangs")


def hang_20_s() -> None:
    """Answer nobody for twenty seconds."""
    faults.add("hangs")
    threading.Timer(20, faults.discard, ["hangs"]).start()


def eat() -> None:
    """Take memory until the OOM killer comes."""
    threading.Thread(
        target=lambda: [held.append(bytearray(b"x") * 16_000_000) for _ in range(100)], daemon=True
    ).start()


def flood() -> None:
    """Write 50 MB of log a second."""

    def write() -> None:
        line = b"x" * 99_999 + b"\n"
        while True:
            began = time.monotonic()
            for _ in range(50):
                os.write(1, line)
            time.sleep(max(0.0, 0.1 - (time.monotonic() - began)))

    threading.Thread(target=write, daemon=True).start()


def end() -> None:
    """End with exit status 0, as if all were well."""
    threading.Timer(0.1, os._exit, [0]).start()


def fork_away() -> None:
    """Go on in a child that answers in its place, as a daemon does."""
    if os.fork():
        time.sleep(0.3)
        os._exit(0)


def warm_up() -> None:
    """Grow by 8 MiB a second, as caches do that fill."""

    def grow() -> None:
        while "stays" not in faults:
            held.append(bytearray(b"x") * 1_000_000)
            time.sleep(0.125)

    threading.Thread(target=grow, daemon=True).start()


FAULTS = {
    "hangs": hang,
    "hangs for 20 s": hang_20_s,
    "eats": eat,
    "floods": flood,
    "ends": end,
    "warms up": warm_up,
}
"""What happens at once; every other name is looked up while requests are answered."""


def fault(name: str) -> None:
    """Break in the way of `name`."""
    faults.add(name)
    if name in FAULTS:
        FAULTS[name]()


class Handler(BaseHTTPRequestHandler):
    """Answers; the admin's paths are those of a runbook."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a request, or not."""
        path = urlsplit(self.path)
        if path.path == "/fault":
            fault(parse_qs(path.query)["name"][0])
            self.answer(b"broken")
            return
        while "hangs" in faults:
            time.sleep(0.1)
        if path.path == "/metrics":
            self.metrics()
        elif path.path == "/health":
            self.health()
        elif path.path.startswith("/admin/"):
            self.admin(path.path.removeprefix("/admin/"))
        else:
            self.work()

    do_POST = do_GET  # noqa: N815 - http.server looks for that name

    def work(self) -> None:
        """One request of the load."""
        if "fails" in faults:
            self.answer(b"no", 500)
        elif "redirects" in faults:
            self.redirect()
        else:
            if state["leaks"]:
                held.append(bytearray(b"x") * int(LEAKED_BYTES * state["rate"]))
            self.answer(b"ok")

    def health(self) -> None:
        """Whether it is ready."""
        if "health redirects" in faults:
            self.redirect()
        elif "health is garbage" in faults:
            self.wfile.write(b"\x00\xff\r\n" * 100)
            self.close_connection = True
        elif "health never ends" in faults:
            self.endless()
        elif "health drips" in faults:
            self.drip()
        else:
            self.answer(b"ok")

    def metrics(self) -> None:
        """Its own metrics, or what stands in their place."""
        held_bytes = sum(map(len, held))
        page = f"# TYPE held gauge\nheld_bytes {held_bytes}\n".encode()
        if "metrics are garbage" in faults:
            self.answer(b"\xff" + os.urandom(5000))  # Prometheus takes 0 for the end, and # for a comment
        elif "metrics are 200 MB" in faults:
            self.long()
        elif "metrics never end" in faults:
            self.endless()
        elif "metrics drip" in faults:
            self.drip()
        elif "metrics are a bomb" in faults:
            self.answer(gzip.compress(bytes(20_000_000)), encoding="gzip")
        elif "metrics are duplicate" in faults:
            self.answer(page + b"held_bytes 1\nheld_bytes NaN\nheld_bytes{a=} 1\n")
        elif "metrics redirect" in faults:
            self.redirect()
        elif "metrics hang" in faults:
            time.sleep(60)
        else:
            self.answer(page)

    def admin(self, action: str) -> None:
        """What an operator asks for."""
        if "step redirects" in faults and action == "clear":
            self.redirect()
            return
        if "step never ends" in faults and action == "clear":
            self.endless()
            return
        if action == "leak":
            state["leaks"] = True
        elif action == "leak-a-little":
            state["leaks"], state["rate"] = True, 0.001
        elif action == "stop":
            state["leaks"] = False
        elif action == "clear":
            held.clear()
            state["leaks"] = False
        elif action == "clear-half":
            del held[len(held) // 2 :]
        elif action == "clear-and-relapse":
            held.clear()
            threading.Timer(1, state.update, [{"leaks": True}]).start()
        self.answer(b"done")

    def answer(self, body: bytes, status: int = 200, encoding: str = "") -> None:
        """Send a response."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.end_headers()
        self.wfile.write(body)

    def long(self) -> None:
        """Send 200 MB."""
        piece = b"held_bytes 1\n" * 1000
        self.send_response(200)
        self.send_header("Content-Length", str(16_000 * len(piece)))
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(16_000):
                self.wfile.write(piece)

    def redirect(self) -> None:
        """Send the client to another machine."""
        self.send_response(302)
        self.send_header("Location", ELSEWHERE)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def endless(self) -> None:
        """Send a body without end."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")

    def drip(self) -> None:
        """Send a byte now and then."""
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(600):
                self.wfile.write(b"x")
                time.sleep(0.1)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Many connections at once."""

    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """A client that went away is no news."""


def main(port: int) -> None:
    """Serve until a signal ends it."""
    wanted = [name for name in os.environ.get("FAULT", "").split(",") if name]
    if "ignores SIGTERM" in wanted:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "is served by another" in wanted:
        # Another service, started by nobody that the drill knows, has the port; we ourselves only wait.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LEAKDRILL")}
        environment["FAULT"] = ""
        leave = 'for group in /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/cgroup.procs; do echo $$ > "$group"; done'
        outside = ["sh", "-c", f'{leave} 2>/dev/null; exec timeout 60 "$@"', "sh"]
        subprocess.Popen([*outside, sys.executable, __file__, str(port)], env=environment, start_new_session=True)
        time.sleep(60)
    if "forks away" in wanted:
        fork_away()
    server = Server(("127.0.0.1", port), Handler)
    for name in wanted:
        fault(name)
    if "listens and never accepts" in wanted:
        server.socket.listen(1)
        time.sleep(600)
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
