"""Where a service listens is told when no probe reaches it there."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest

from leakdrill.errors import TargetNotReady
from leakdrill.machine.http_access import ANYONE
from leakdrill.machine.listening import Listening, _address, listening, listens_elsewhere
from leakdrill.targets.base.readiness import Readiness

LISTENER = """
import socket, sys, time
made = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
made.bind((sys.argv[1], 0)); made.listen(); print(made.getsockname()[1], flush=True); time.sleep(60)
"""


@pytest.fixture
def listener(request):
    command = [sys.executable, "-c", LISTENER, request.param]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.pid, int(process.stdout.readline())
        process.kill()


@pytest.mark.parametrize("listener", ["127.0.0.1", "0.0.0.0", "::"], indirect=True)
def test_a_service_that_is_reached_is_not_told(listener):
    pid, port = listener
    assert listens_elsewhere([pid], port) == ""


@pytest.mark.parametrize("listener", ["127.0.0.1"], indirect=True)
def test_another_port_is_found(listener):
    pid, port = listener
    assert listens_elsewhere([pid], 1) == f"It listens on 127.0.0.1:{port} and not on port 1."


@pytest.mark.parametrize("listener", ["::1", "127.0.0.3"], indirect=True)
def test_an_address_that_the_probe_does_not_ask_is_named(listener):
    pid, port = listener
    said = listens_elsewhere([pid], port)
    assert said.startswith(("It listens on [::1]:", "It listens on 127.0.0.3:"))
    assert said.endswith("where the probe, which asks 127.0.0.1, does not reach it.")


@pytest.mark.parametrize("listener", ["127.0.0.1"], indirect=True)
def test_loopback_inside_a_container_is_not_reached_from_outside(listener):
    pid, port = listener
    assert "outside of the container does not reach it" in listens_elsewhere([pid], port, from_outside=True)


def test_a_process_that_does_not_listen_or_is_gone_listens_nowhere():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        assert listens_elsewhere([process.pid], 1) == "It listens on no port."
        process.kill()
    assert listening([process.pid]) == []


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("0100007F", "127.0.0.1:80"),
        ("00000000000000000000000001000000", "[::1]:80"),
        ("0000000000000000FFFF00000100007F", "[::ffff:127.0.0.1]:80"),
    ],
)
def test_an_address_of_the_kernel_is_read(written, shown):
    made = Listening(_address(written), 80)
    assert ip_address(shown.rpartition(":")[0].strip("[]")) == made.address
    assert made.reached(from_outside=False) is ("127.0.0.1" in shown)


def not_ready(url, tmp_path, **more):
    with pytest.raises(TargetNotReady) as caught:
        Readiness(
            subject="target 'x'",
            url=url,
            access=ANYONE,
            timeout_s=0.2,
            exit_status=lambda: None,
            log=tmp_path / "log",
            log_start=0,
            **more,
        ).wait()
    return caught.value


def test_a_service_on_another_port_is_told_with_what_to_do(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        error = not_ready("http://127.0.0.1:1/", tmp_path, elsewhere=lambda: listens_elsewhere([os.getpid()], 1))
        assert f"127.0.0.1:{server.getsockname()[1]}" in error.message
    assert "failed: connection refused" in error.message
    assert "target.port" in error.hint
    assert "PORT" in error.hint


def answers(status):
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Answer)


@pytest.mark.parametrize(
    ("status", "helps"),
    [(404, "target.ready.path"), (401, "without a login"), (302, "target.ready.path"), (503, "its log has why")],
)
def test_each_answer_that_is_not_ready_has_a_hint_of_its_own(status, helps, tmp_path):
    server = answers(status)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    error = not_ready(f"http://127.0.0.1:{server.server_port}/", tmp_path, elsewhere=lambda: "It listens on mars:1.")
    server.shutdown()
    server.server_close()
    assert f"answered {status}" in error.message
    assert "mars" not in error.message
    assert helps in error.hint


def test_a_service_that_listens_nowhere_yet_may_only_start_slowly(tmp_path):
    error = not_ready("http://127.0.0.1:1/", tmp_path, elsewhere=lambda: "It listens on no port.")
    assert "It listens on no port." in error.message
    assert "if it only starts slowly" in error.hint


def test_a_service_that_speaks_tls_is_asked_for_plain_http(tmp_path):
    """A server of TLS answers a request in plain text with an alert of its own."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse():
            with contextlib.suppress(OSError):
                while True:
                    connection = server.accept()[0]
                    connection.recv(1000)
                    connection.sendall(b"\x15\x03\x01\x00\x02\x02\x46")
                    connection.close()

        threading.Thread(target=refuse, daemon=True).start()
        error = not_ready(f"http://127.0.0.1:{server.getsockname()[1]}/", tmp_path)
    assert "does it speak TLS there?" in error.hint


def test_another_process_in_the_place_of_the_target_does_not_hide_where_that_listens(tmp_path):
    server = answers(200)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    error = not_ready(url, tmp_path, stranger=lambda: "pid 7 (nginx)", elsewhere=lambda: "It listens on mars:1.")
    server.shutdown()
    server.server_close()
    assert "but from pid 7 (nginx)" in error.message
    assert "It listens on mars:1." in error.message
