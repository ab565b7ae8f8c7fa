"""Ports that nobody else takes in the moment before a service listens."""

from pathlib import Path

import pytest

from leakdrill.machine.ports import free_port, is_free

pytestmark = pytest.mark.integration


def test_a_free_port_is_none_that_an_outgoing_connection_may_get():
    first_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = {free_port() for _ in range(50)}
    assert max(ports) < first_outgoing
    assert len(ports) > 40
    assert is_free(ports.pop())
