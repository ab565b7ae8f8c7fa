"""An error is told in words: no class of ours, and of others none where the words say it."""

from __future__ import annotations

import errno
import json

import httpx
import pytest

from leakdrill.alerting.prometheus_api import NoAnswer
from leakdrill.errors import BadInput, ComponentDied, EnvironmentProblem, TargetNotReady
from leakdrill.in_words import in_words
from leakdrill.machine.http_client import bounded_client
from leakdrill.steps.failure import StepFailed

ERRORS = [
    (ComponentDied("Prometheus ended\nat 3 s"), "Prometheus ended at 3 s"),
    (httpx.ConnectError("[Errno 111] Connection refused"), "connection refused"),
    (httpx.ReadTimeout("timed out"), "no answer in time"),
    (httpx.ConnectTimeout("timed out"), "no connection in time"),
    (httpx.RemoteProtocolError("illegal status line"), "the answer is no HTTP: illegal status line"),
    (
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
        "the connection was closed without an answer",
    ),
    (httpx.ReadError("[Errno 104] Connection reset by peer"), "the connection broke: Connection reset by peer"),
    (httpx.InvalidURL("Invalid port: 'x'"), "invalid port: 'x'"),
    (PermissionError(errno.EACCES, "Permission denied", "/proc/1/smaps"), "/proc/1/smaps: Permission denied"),
    (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), "Connection timed out"),
    (OSError("GET /x: too long"), "GET /x: too long"),
    (json.JSONDecodeError("Expecting value", "<html>", 0), "no JSON: Expecting value: line 1 column 1 (char 0)"),
    (KeyError("alerts"), "KeyError: 'alerts'"),
    (ValueError(), "ValueError"),
]


@pytest.mark.parametrize(("error", "words"), ERRORS, ids=lambda one: type(one).__name__)
def test_an_error_is_told_in_one_line(error, words):
    assert in_words(error) == words


@pytest.mark.parametrize("error", [BadInput, ComponentDied, EnvironmentProblem, TargetNotReady, NoAnswer, StepFailed])
def test_no_class_of_ours_is_named(error):
    assert in_words(error("the service ended")) == "the service ended"


def test_the_hint_of_an_error_is_no_part_of_what_happened():
    assert in_words(ComponentDied("Prometheus ended", hint="read its log")) == "Prometheus ended"


def test_our_own_client_says_the_same():
    with bounded_client(timeout_s=1.0) as client, pytest.raises(httpx.HTTPError) as caught:
        client.get("http://127.0.0.1:1/")
    assert in_words(caught.value) == "connection refused"
