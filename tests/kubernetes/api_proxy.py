"""A way to the API server that can be cut: a loopback port in front of it, and a kubeconfig that leads there."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from urllib.parse import urlparse

import yaml

from proxy import Proxy


class ApiProxy(Proxy):
    """The API server, as `kubeconfig` names it, until it is cut."""

    def __init__(self, folder: Path, port: int = 0, *, real: str | None = None) -> None:
        config = yaml.safe_load(Path(real or os.environ["KUBECONFIG"]).read_text())
        cluster = config["clusters"][0]["cluster"]
        server = urlparse(cluster["server"])
        super().__init__(lambda: socket.create_connection((server.hostname, server.port)), port)
        cluster["server"] = f"https://127.0.0.1:{self.port}"
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(config))
