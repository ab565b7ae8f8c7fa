"""A way to the engine that can be cut: a loopback port in front of its socket."""

from __future__ import annotations

import socket

from proxy import Proxy


class EngineProxy(Proxy):
    """The engine, as `DOCKER_HOST` names it, until it is cut."""

    def __init__(self, path: str = "/var/run/docker.sock", port: int = 0) -> None:
        super().__init__(lambda: _connected(path), port)
        self.url = f"tcp://127.0.0.1:{self.port}"


def _connected(path: str) -> socket.socket:
    far = socket.socket(socket.AF_UNIX)
    far.connect(path)
    return far
