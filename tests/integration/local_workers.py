"""A place for a load's workers on this machine: real Locust workers with nothing but what they are brought."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from leakdrill.load.worker_bundle import FOLDER
from leakdrill.load.workers import WorkerState

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.load.workers import WorkerPlan


class LocalWorkers:
    """Workers as processes that share nothing with the harness but the network.

    Attributes:
        now: where the target answers.
        processes: the workers, once started.
    """

    def __init__(self, folder: Path, *addresses: str, python: str = sys.executable) -> None:
        self.now = list(addresses)
        self.processes: list[subprocess.Popen[bytes]] = []
        self._folder = folder
        self._python = python

    def addresses(self) -> list[str]:
        return self.now

    def master_host(self) -> str:
        return "127.0.0.1"

    def start(self, plan: WorkerPlan) -> None:
        for path, content in plan.files.items():
            file = self._folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        for index in range(plan.count):
            words = [self._python, *(word.replace(FOLDER, str(self._folder)) for word in plan.command[1:])]
            env = {"PATH": os.environ["PATH"], **plan.env_of(index)}
            with (self._folder / f"{index}.log").open("wb") as log:
                self.processes.append(
                    subprocess.Popen(words, cwd=self._folder, env=env, stdout=log, stderr=subprocess.STDOUT)
                )

    def states(self) -> list[WorkerState]:
        codes = [process.poll() for process in self.processes]
        return [
            WorkerState(f"worker {index}", "runs" if code is None else f"ended with {code}", ended=code is not None)
            for index, code in enumerate(codes)
        ]

    def log(self, name: str) -> str:
        return (self._folder / f"{name.split()[1]}.log").read_text()

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
