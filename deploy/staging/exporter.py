"""`python -m staging.exporter`: cAdvisor's and node_exporter's names for every container of a compose project.

It asks the engine, so it needs its socket; which project, it reads from its own container. It also takes Alertmanager's
notifications at `/notify/RECEIVER`, and says each in its log: in staging somebody must be told, and nobody be woken.
"""

from __future__ import annotations

import argparse
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from leakdrill.alerting.container_series import each_family_once
from leakdrill.targets.compose.replicas import PROJECT_LABEL
from leakdrill.targets.docker.container import engine_errors
from leakdrill.targets.docker.engine import connect
from staging.published import PublishedContainer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient
    from prometheus_client.core import Metric

_LOOK_EVERY_S: Final = 2.0
_MOST_BYTES: Final = 8 * 1024 * 1024


class ProjectExporter(Collector):
    """The running containers of `project`, looked up again every two seconds.

    Args:
        client: of the engine.
        project: of compose.
        disks: a folder with one folder for each container whose disk is published, by the container's name.
    """

    def __init__(self, client: DockerClient, project: str, *, disks: Path | None = None) -> None:
        self._client = client
        self._project = project
        self._disks = disks
        self._looking = threading.Lock()
        self._looked_at = float("-inf")
        self._shown: dict[str, PublishedContainer] = {}

    def collect(self) -> Iterator[Metric]:
        """The series of all of them, each family once."""
        with self._looking:
            self._look()
            families = each_family_once(metric for shown in self._shown.values() for metric in shown.collect())
        yield from families

    def close(self) -> None:
        """Stop reading all of them."""
        while self._shown:
            self._shown.popitem()[1].close()

    def _look(self) -> None:
        if time.monotonic() - self._looked_at < _LOOK_EVERY_S:
            return
        try:
            found = self._client.containers.list(
                filters={"label": f"{PROJECT_LABEL}={self._project}"}, ignore_removed=True
            )
        except engine_errors():
            return  # the gap shows: what is not read any more is not published
        running = {str(container.id): container for container in found}
        for gone in self._shown.keys() - running.keys():
            self._shown.pop(gone).close()
        for new in running.keys() - self._shown.keys():
            self._shown[new] = PublishedContainer(running[new], disks=self._disks)
        self._looked_at = time.monotonic()


class _Handler(BaseHTTPRequestHandler):
    registry: CollectorRegistry

    def do_GET(self) -> None:
        if self.path != "/metrics":
            self._answer(404)
            return
        self._answer(200, generate_latest(self.registry), CONTENT_TYPE_LATEST)

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        if not self.path.startswith("/notify/") or size > _MOST_BYTES:
            self._answer(404)
            return
        said = self.rfile.read(size)
        try:
            told = [(alert["status"], alert["labels"]) for alert in json.loads(said)["alerts"]]
        except (ValueError, KeyError, TypeError):
            self._answer(400)
            return
        for status, labels in told:
            line = {"receiver": self.path.removeprefix("/notify/"), "status": status, **labels}
            print(json.dumps(line), flush=True)  # noqa: T201 - its log is what a pager would be
        self._answer(200)

    def _answer(self, status: int, body: bytes = b"", kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: a line for each scrape would hide the notifications."""


def serve(collector: Collector, *, host: str, port: int) -> ThreadingHTTPServer:
    """A server of `/metrics` and `/notify/…` at `host:port`; `serve_forever` runs it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    handler = type("Handler", (_Handler,), {"registry": registry})
    server = ThreadingHTTPServer((host, port), handler)
    server.daemon_threads = True
    return server


def own_project(client: DockerClient) -> str:
    """The compose project of the container that this process runs in, whose id is its host name.

    Raises:
        docker.errors.NotFound: when it runs in none.
    """
    labels: dict[str, str] = client.containers.get(socket.gethostname()).labels
    return labels[PROJECT_LABEL]


def main() -> None:
    """Read the arguments and serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m staging.exporter")
    parser.add_argument("--port", type=int, default=9100)
    parser.add_argument("--host", default="0.0.0.0", help="inside its container; nothing publishes it")  # noqa: S104 - the container's own network
    parser.add_argument("--project", help="the compose project; that of its own container when left out")
    parser.add_argument("--disks", type=Path, help="a folder with a folder for each container's disk")
    args = parser.parse_args()
    client = connect()
    collector = ProjectExporter(client, args.project or own_project(client), disks=args.disks)
    serve(collector, host=args.host, port=args.port).serve_forever()


if __name__ == "__main__":
    main()
