"""Ports that nobody else takes in the moment before a service listens."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from leakdrill.machine.ports import _MOST_RESERVED, _reserved, free_port, is_free

pytestmark = pytest.mark.integration


def test_a_free_port_is_none_that_an_outgoing_connection_may_get():
    first_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = {free_port() for _ in range(50)}
    assert max(ports) < first_outgoing
    assert len(ports) > 40
    assert is_free(ports.pop())


def test_a_port_is_not_given_twice_before_anybody_listens_on_it(monkeypatch):
    one, another = (free_port() for _ in range(2))
    for port in (one, another):
        os.close(_reserved.pop(port))
    offered = iter([one, one, one, another])
    monkeypatch.setattr(secrets, "choice", lambda _range: next(offered))
    assert [free_port(), free_port()] == [one, another]


def test_a_port_that_another_drill_was_given_is_not_given_here(monkeypatch):
    ask = "from leakdrill.machine.ports import free_port; print(free_port(), flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", ask], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as one:
        theirs, another = int(one.stdout.readline()), free_port()
        os.close(_reserved.pop(another))
        offered = iter([theirs, theirs, another, theirs])
        monkeypatch.setattr(secrets, "choice", lambda _range: next(offered))
        assert is_free(theirs)
        assert free_port() == another
        one.communicate("\n")
    assert free_port() == theirs


def test_reservations_are_few():
    for _ in range(200):
        free_port()
    assert len(_reserved) == _MOST_RESERVED
