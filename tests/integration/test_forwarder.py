"""The address behind which pods answer: spread, moved between two requests, and held while the API server is away."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from leakdrill.machine.ports import free_port
from leakdrill.targets.base.balancer import Balancer
from leakdrill.wait import wait_for

pytestmark = pytest.mark.integration


class Wire:
    """What a connection through the API server is to the forwarder, over a pair of sockets."""

    def __init__(self, end):
        self._end = end

    def fileno(self):
        return self._end.fileno()

    def pending(self):
        return False

    def send(self, data):
        self._end.sendall(data)

    def receive(self):
        return self._end.recv(65536) or None

    def close(self):
        self._end.close()


class Pods:
    """Pods that answer each message with their name; `gone` while the API server opens nothing."""

    def __init__(self, *names):
        self.ready = list(names)
        self.gone = False
        self.ends = []

    def connect(self, name):
        if self.gone:
            raise OSError("connection refused")
        here, there = socket.socketpair()
        self.ends.append(there)
        threading.Thread(target=self._answer, args=(there, name), daemon=True).start()
        return Wire(here)

    def end(self):
        """Every pod ends."""
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _answer(self, end, name):
        with contextlib.suppress(OSError), end:
            while end.recv(65536):
                end.sendall(name.encode())


@pytest.fixture
def front():
    made = []

    def make(pods):
        port = free_port()
        forwarder = Balancer(port, pods=lambda: pods.ready, connect=pods.connect, answers=lambda: not pods.gone)
        forwarder.start()
        made.append(forwarder)
        make.last = forwarder
        return lambda: socket.create_connection(("127.0.0.1", port), timeout=10)

    yield make
    for forwarder in made:
        forwarder.stop()


def ask(connection, question=b"GET /who HTTP/1.1"):
    connection.sendall(question)
    return connection.recv(100)


def test_each_connection_goes_to_the_pod_with_the_fewest(front):
    connect = front(Pods("a", "b"))
    with connect() as one, connect() as two:
        assert {ask(one), ask(two)} == {b"a", b"b"}


def test_a_connection_goes_on_when_its_pod_leaves(front):
    """With its next request, and also while its client is silent: a pod that leaves waits for its connections."""
    pods = Pods("a")
    connect = front(pods)
    with connect() as one, connect() as silent:
        assert ask(one) == ask(silent) == b"a"
        pods.ready = ["b"]
        assert ask(one) == b"b"
        wait_for(lambda: front.last.connections("a") == 0, what="the silent one to go on", timeout_s=10)
        assert ask(silent) == b"b"


def test_connections_go_on_to_a_pod_that_comes(front):
    pods = Pods("a")
    connect = front(pods)
    with connect() as one, connect() as two:
        assert ask(one) == ask(two) == b"a"
        pods.ready = ["a", "b"]
        assert sorted((ask(one), ask(two))) == [b"a", b"b"]
        assert sorted((ask(one), ask(two))) == [b"a", b"b"]


def test_a_request_is_not_torn_from_its_body(front):
    """What comes after an early answer and begins no request belongs to the one before: `100 Continue`, for one."""
    pods = Pods("a")
    connect = front(pods)
    with connect() as one, connect() as two:
        assert ask(one) == ask(two) == b"a"
        pods.ready = ["a", "b"]
        assert ask(one, b"the body") == ask(two, b"the body") == b"a"


def test_a_pod_that_cannot_be_reached_takes_nothing_over(front):
    pods = Pods("a")
    connect = front(pods)
    with connect() as one, connect() as two:
        assert ask(one) == ask(two) == b"a"
        pods.ready, pods.gone = ["a", "b"], True
        assert ask(one) == ask(two) == b"a"
        assert front.last.connections("a") == 2


def test_a_pod_that_breaks_off_its_answer_breaks_the_connection(front):
    pods = Pods("a")
    connect = front(pods)
    with connect() as one:
        assert ask(one) == b"a"
        one.sendall(b"GET /who HTTP/1.1")
        assert one.recv(100) == b"a"
        pods.end()
        assert one.recv(100) == b""


def test_a_connection_is_held_while_the_api_server_is_away_and_let_go_when_it_is_back(front):
    pods = Pods("a")
    connect = front(pods)
    pods.gone = True
    with connect() as one:
        one.sendall(b"who?")
        one.settimeout(1)
        with pytest.raises(TimeoutError):
            one.recv(100)
        pods.gone = False
        one.settimeout(10)
        with contextlib.suppress(ConnectionResetError):
            assert one.recv(100) == b""


def test_without_a_pod_that_is_ready_a_connection_is_refused(front):
    with front(Pods())() as one, contextlib.suppress(ConnectionResetError):
        assert one.recv(100) == b""
