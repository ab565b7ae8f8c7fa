"""`leakdrill init` starts the service once: what it then writes fits services of several kinds."""

from __future__ import annotations

import sys

import psutil
import pytest

from leakdrill.errors import BadInput
from leakdrill.first_scenario import Service, write_first_scenario
from leakdrill.machine.ports import free_port
from leakdrill.scenario.reader import read_scenario

pytestmark = pytest.mark.integration

SERVER = """
import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = ANSWERS.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.end_headers()
        self.wfile.write((body or "").encode())
    def log_message(self, *_):
        pass
ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
"""
GIVEN = "int(os.environ['PORT'])"


def written(folder, *, answers, port=GIVEN, health=None):
    app = folder / "app.py"
    app.write_text(SERVER.replace("ANSWERS", repr(answers)).replace("PORT)", f"{port})"))
    service = Service(command=f"{sys.executable} {app}", health=health)
    return read_scenario(write_first_scenario(folder / "cart", service).paths[0]).target


@pytest.fixture(autouse=True)
def _nothing_is_left():
    yield
    assert not [p for p in psutil.Process().children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE]


def test_its_health_path_and_its_metrics_are_found(tmp_path):
    target = written(tmp_path, answers={"/healthz": "ok", "/metrics": "# TYPE a counter\na 1\n"})
    assert (target.ready.path, target.metrics, target.port) == ("/healthz", "/metrics", None)


def test_a_page_that_is_no_exposition_is_no_metrics(tmp_path):
    assert written(tmp_path, answers={"/": "hello", "/metrics": "<html>"}).metrics is None


def test_a_service_on_a_port_of_its_own_is_found_there(tmp_path):
    port = free_port()
    assert written(tmp_path, answers={"/": "hello"}, port=port).port == port


@pytest.mark.parametrize(
    ("answers", "port", "seen"),
    [
        ({}, GIVEN, r"nowhere with 2xx: .*/health 404"),
        ({"/": ""}, "nobody", r"(?s)ended with exit status 1.*NameError"),
    ],
)
def test_what_does_not_answer_is_told_and_nothing_is_written(tmp_path, answers, port, seen):
    with pytest.raises(BadInput, match=seen):
        written(tmp_path, answers=answers, port=port)
    assert not (tmp_path / "cart").exists()
