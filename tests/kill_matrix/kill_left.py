"""What one drill has left, wherever a run can leave something; its own marks tell it from what others have made."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from leakdrill.record.stored_journal import read_journal
from leakdrill.targets.docker import engine as docker_engine
from leakdrill.targets.kubernetes import api as kubernetes_api

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK: Final = "LEAKDRILL_KILL_CELL"
"""In the environment of the drill, and so of every process that comes of it."""

_CGROUPS: Final = Path("/sys/fs/cgroup")
_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - looked at, not used
_LOOPS: Final = Path("/sys/block")


@dataclass(frozen=True, slots=True)
class Traces:
    """By what everything of one drill is found.

    Attributes:
        mark: the value of `MARK`.
        run_id: in the name of what has a name, in the label of what has labels.
        temp: the folder for temporary files that nobody else has.
        runs: the folder of its record.
        drill: its process id; it is dead, but perhaps not yet waited for.
    """

    mark: str
    run_id: str
    temp: Path
    runs: Path
    drill: int

    def left(self, target: str) -> list[str]:
        """A line for each thing that is there."""
        places = [self._processes(), self._cgroups(), self._mounts(), self._loops(), self._files(), self._journal()]
        if target in ("docker", "compose"):
            places.append(_on_engine(self.run_id))
        if target == "kubernetes":
            places.append(_in_cluster(self.run_id))
        return [line for place in places for line in place]

    def _processes(self) -> Iterator[str]:
        wanted = f"{MARK}={self.mark}".encode()
        for process in psutil.process_iter(["cmdline", "status"]):
            with contextlib.suppress(OSError):
                environment = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
                if wanted in environment and process.pid != self.drill:
                    yield f"process {process.pid} {' '.join(process.info['cmdline'] or [])[:100]}"

    def _cgroups(self) -> Iterator[str]:
        for folder, names, _files in os.walk(_CGROUPS):
            yield from (f"cgroup {folder}/{name}" for name in names if self.run_id in name)

    def _mounts(self) -> Iterator[str]:
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            if self._is_ours(line):
                yield f"mount {line.split()[4]}"

    def _loops(self) -> Iterator[str]:
        for file in _LOOPS.glob("loop*/loop/backing_file"):
            with contextlib.suppress(OSError):
                if self._is_ours(file.read_text()):
                    yield f"loop device {file.parts[3]}"

    def _files(self) -> Iterator[str]:
        yield from (f"temporary file {path}" for path in self.temp.iterdir())
        yield from (f"shared memory {path}" for path in _SHARED_MEMORY.iterdir() if self._is_ours(path.name))
        yield from (f"socket {path}" for path in self.runs.rglob("*") if path.is_socket())

    def _journal(self) -> Iterator[str]:
        for journal in self.runs.glob("*/2*/**/journal.jsonl"):
            yield from (f"journal entry {entry.kind} {entry.id}" for entry in read_journal(journal))

    def _is_ours(self, text: str) -> bool:
        return self.run_id in text or str(self.temp) in text or str(self.runs) in text


def _on_engine(run_id: str) -> Iterator[str]:
    """Containers, networks and volumes with the run's label, or its id in their names."""
    with contextlib.closing(docker_engine.connect()) as client:
        containers = client.api.containers(all=True)
        things = [("container", " ".join(c["Names"]), c["Labels"]) for c in containers]
        things += [("network", n["Name"], n["Labels"]) for n in client.api.networks()]
        things += [("volume", v["Name"], v["Labels"]) for v in client.api.volumes()["Volumes"] or []]
    for kind, name, labels in things:
        if run_id in name or (labels or {}).get(docker_engine.RUN_LABEL) == run_id:
            yield f"{kind} {name}"


def _in_cluster(run_id: str) -> Iterator[str]:
    """Objects with the run's label, in any namespace; a namespace takes with it all that is in it."""
    with contextlib.closing(kubernetes_api.connect()) as cluster:
        for path in (
            "/api/v1/namespaces",
            "/api/v1/pods",
            "/api/v1/configmaps",
            "/apis/apps/v1/deployments",
            "/apis/autoscaling/v1/horizontalpodautoscalers",
        ):
            selector = f"{kubernetes_api.RUN_LABEL}={run_id}"
            for item in cluster.get(path, labelSelector=selector)["items"]:
                yield f"{path.rsplit('/', 1)[-1]} {item['metadata']['name']}"
