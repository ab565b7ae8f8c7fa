"""Keeps what the containers of a workload write: one follower for each start of each container."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from leakdrill.errors import EnvironmentProblem
from leakdrill.remember import is_new

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.targets.kubernetes.api import Cluster
    from leakdrill.targets.kubernetes.pod import Pod


class PodLogs:
    """Appends the output of containers to `log`, from their start to their end."""

    def __init__(self, cluster: Cluster, *, namespace: str, container: str | None, log: Path) -> None:
        self._cluster = cluster
        self._base = f"/api/v1/namespaces/{namespace}/pods"
        self._query = {"container": container} if container else {}
        self._followed: dict[str, None] = {}
        self._lock = threading.Lock()
        self._log = log

    def follow(self, pods: tuple[Pod, ...]) -> None:
        """Begin to follow the containers that are not followed yet."""
        for pod in pods:
            if pod.container_id and is_new(self._followed, pod.container_id):
                threading.Thread(target=self._keep, args=(pod.name,), name="pod-log", daemon=True).start()

    def last_lines(self, pod: Pod, count: int = 3) -> list[str]:
        """The last lines of its container, of the one that ended where another is to come; none when there are none."""
        previous = {"previous": "true"} if pod.end and pod.container_id is None and pod.restarts else {}
        try:
            text = self._cluster.text(f"{self._base}/{pod.name}/log", tailLines=str(count), **self._query, **previous)
        except EnvironmentProblem:
            return []
        return [line.strip() for line in text.splitlines() if line.strip()]

    def _keep(self, pod: str) -> None:
        try:
            for piece in self._cluster.stream(f"{self._base}/{pod}/log", follow="true", **self._query):
                self._write(piece)
        except EnvironmentProblem as e:
            self._write(f"(the log of {pod} ends here: {e.args[0]})\n".encode())

    def _write(self, piece: bytes) -> None:
        with self._lock, self._log.open("ab", buffering=0) as file:
            file.write(piece)
