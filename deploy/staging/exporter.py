"""`python -m staging.exporter`: cAdvisor's and node_exporter's names for every container of a compose project.

It needs the engine's socket, and reads the name of its project from its own container. It also takes Alertmanager's
notifications at `/notify/RECEIVER` and logs each of them: in staging a notification must arrive, and wake nobody.
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

_LIST_EVERY_S: Final = 2.0
_MOST_BYTES: Final = 8 * 1024 * 1024


class ProjectExporter(Collector):
    """The running containers of `project`, listed again every two seconds.

    Args:
        client: a client of the Docker Engine.
        project: the name of a compose project.
        disks: a folder with one folder for each container whose disk is published, by the container's name.
    """

    def __init__(self, client: DockerClient, project: str, *, disks: Path | None = None) -> None:
        self._client = client
        self._project = project
        self._disks = disks
        self._lock = threading.Lock()
        self._listed_at = float("-inf")
        self._published: dict[str, PublishedContainer] = {}

    def collect(self) -> Iterator[Metric]:
        """Yields the series of all containers, each family once."""
        with self._lock:
            self._update()
            families = each_family_once(
                metric for container in self._published.values() for metric in container.collect()
            )
        yield from families

    def close(self) -> None:
        """Stop reading the containers."""
        while self._published:
            self._published.popitem()[1].close()

    def _update(self) -> None:
        if time.monotonic() - self._listed_at < _LIST_EVERY_S:
            return
        try:
            listed = self._client.containers.list(
                filters={"label": f"{PROJECT_LABEL}={self._project}"}, ignore_removed=True
            )
        except engine_errors():
            return  # the series then end, and the gap shows
        running = {str(container.id): container for container in listed}
        for gone in self._published.keys() - running.keys():
            self._published.pop(gone).close()
        for new in running.keys() - self._published.keys():
            self._published[new] = PublishedContainer(running[new], disks=self._disks)
        self._listed_at = time.monotonic()


class _Handler(BaseHTTPRequestHandler):
    registry: CollectorRegistry

    def do_GET(self) -> None:
        if self.path != "/metrics":
            self._respond(404)
            return
        self._respond(200, generate_latest(self.registry), CONTENT_TYPE_LATEST)

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        if not self.path.startswith("/notify/") or size > _MOST_BYTES:
            self._respond(404)
            return
        body = self.rfile.read(size)
        try:
            notifications = [(alert["status"], alert["labels"]) for alert in json.loads(body)["alerts"]]
        except (ValueError, KeyError, TypeError):
            self._respond(400)
            return
        for status, labels in notifications:
            line = {"receiver": self.path.removeprefix("/notify/"), "status": status, **labels}
            print(json.dumps(line), flush=True)  # noqa: T201 - the log stands for a pager
        self._respond(200)

    def _respond(self, status: int, body: bytes = b"", kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Logs nothing: a line for each scrape would hide the notifications."""


def serve(collector: Collector, *, host: str, port: int) -> ThreadingHTTPServer:
    """Returns a server of `/metrics` and `/notify/…` at `host:port`; `serve_forever` runs it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    handler = type("Handler", (_Handler,), {"registry": registry})
    server = ThreadingHTTPServer((host, port), handler)
    server.daemon_threads = True
    return server


def own_project(client: DockerClient) -> str:
    """Returns the compose project of the container that this process runs in, whose id is its host name.

    Raises:
        docker.errors.NotFound: when it runs in no container.
    """
    labels: dict[str, str] = client.containers.get(socket.gethostname()).labels
    return labels[PROJECT_LABEL]


def main() -> None:
    """Read the arguments and serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m staging.exporter")
    parser.add_argument("--port", type=int, default=9100)
    parser.add_argument("--host", default="0.0.0.0", help="inside its container; nothing publishes it")  # noqa: S104 - the container's own network
    parser.add_argument("--project", help="the compose project; left out: the one of this container")
    parser.add_argument("--disks", type=Path, help="a folder that holds a folder for each container's disk")
    args = parser.parse_args()
    client = connect()
    collector = ProjectExporter(client, args.project or own_project(client), disks=args.disks)
    serve(collector, host=args.host, port=args.port).serve_forever()


if __name__ == "__main__":
    main()
