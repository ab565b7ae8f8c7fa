"""Loopback ports: a free one, and who holds one that is taken."""

from __future__ import annotations

import contextlib
import socket
from typing import Final

import psutil

LOOPBACK: Final = "127.0.0.1"


def free_port() -> int:
    """A loopback TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether a service could listen on loopback `port` now."""
    with socket.socket() as probe:
        # Without it a port whose last connections are still in TIME_WAIT would count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def holder(port: int) -> str:
    """Who listens on `port`, as `pid 4121 (python serve.py)`; empty when this user may not know."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:
        return ""
    pids = [c.pid for c in connections if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port and c.pid]
    return _described(pids[0]) if pids else ""


def _described(pid: int) -> str:
    with contextlib.suppress(psutil.Error):
        command = " ".join(psutil.Process(pid).cmdline())
        return f"pid {pid} ({command})" if command else f"pid {pid}"
    return f"pid {pid}"
