"""Commands in a pod, and the files that they reach."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from leakdrill.errors import EnvironmentProblem
from leakdrill.targets.base.placeholders import fill
from leakdrill.targets.kubernetes.execute import execute_in_pod

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from leakdrill.targets.kubernetes.deployed import DeployedWorkload


class PodShell:
    """Commands in the oldest pod of `deployed` that serves, and its files, whose disk is mounted at `disk` inside."""

    def __init__(self, deployed: DeployedWorkload, *, disk: str) -> None:
        self._deployed = deployed
        self._disk = disk.rstrip("/")

    @property
    def known_as(self) -> Mapping[str, str]:
        """Its oldest pod that serves, its namespace and its context. Raises EnvironmentProblem where none serves."""
        place = self._deployed.place
        return {"pod": self._serving(), "namespace": place.namespace, "context": self._deployed.cluster.context}

    def execute(self, command: Sequence[str], *, output: Path, timeout_s: float) -> int:
        """Run `command` in its oldest pod that serves; its output goes to `output`.

        Raises:
            BadInput: for a placeholder that is not there.
            EnvironmentProblem: when no pod serves, the API server refuses, or it ran for longer than `timeout_s`.
        """
        place, follower = self._deployed.place, self._deployed.follower
        values = {**place.values(), "pid": "1"}
        argv = [fill(word, values, place=f"exec.command[{i}]") for i, word in enumerate(command)]
        return execute_in_pod(
            self._deployed.cluster,
            argv,
            pod=f"/api/v1/namespaces/{place.namespace}/pods/{self._serving()}",
            output=output,
            timeout_s=timeout_s,
            container=follower.container,
        )

    def _serving(self) -> str:
        serving = self._deployed.follower.watcher.ready()
        if not serving:
            raise EnvironmentProblem(f"target '{self._deployed.name}' has no pod that is ready; expected one")
        return serving[0]

    def copy(self, path: str, to: Path, *, timeout_s: float) -> None:
        """Copy the file `path` (`{disk}/…`, absolute in the pod, or relative to its disk) to `to`.

        Raises:
            EnvironmentProblem: when there is no such file, or the API server refuses.
        """
        inside = path.replace("{disk}", self._disk)
        inside = inside if inside.startswith("/") else f"{self._disk}/{inside}"
        on_disk = self._deployed.place.disk and inside.startswith(f"{self._disk}/")
        if on_disk and (here := self.file(inside)).is_file():
            shutil.copyfile(here, to)
        elif self.execute(["cat", inside], output=to, timeout_s=timeout_s):
            text = " ".join(to.read_text(errors="replace").split())
            raise EnvironmentProblem(f"{path}: cannot be copied out of the pod: {text}")

    def file(self, path: str) -> Path:
        """Where `path` (`{disk}/…`, as the pod sees it, or relative to the disk) lies on this machine.

        Raises:
            BadInput: when that is outside of the disk.
            EnvironmentProblem: when its disk is not on this machine.
        """
        disk = self._deployed.place.disk
        if disk is None:
            raise EnvironmentProblem(
                f"target '{self._deployed.name}' has its disk on its node, which is not this machine",
                hint="copy_out and exec work everywhere",
            )
        return disk.resolve(path.removeprefix(self._disk + "/"))
