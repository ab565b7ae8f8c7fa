"""The GPU meter in a process of its own, in which the real pynvml finds the stand-in: `Reader` asks, `main` answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Self

import pytest

from leakdrill.meters.gpu import GpuMeter
from leakdrill.record.history import read_history
from leakdrill.record.recorder import Recorder
from standin import StandIn, compiler

REQUIRED = "LEAKDRILL_REQUIRE_COMPILER"


def make_stand_in(folder: Path, *, devices: int = 1) -> StandIn:
    """A stand-in in `folder`; skips the test where there is no C compiler, unless there has to be one."""
    if compiler() is None and not os.environ.get(REQUIRED):
        pytest.skip("the stand-in for NVML is compiled, and this machine has no cc")
    return StandIn(folder / "nvml", devices=devices)


class Reader:
    """A meter to ask: `with Reader(gpu.environment, [0], pids) as meter: meter.read()`.

    Args:
        environment: where it runs; says which NVML it finds.
        devices: as in a scenario.
        pids: the target's processes.
    """

    def __init__(self, environment: dict[str, str], devices: list[int | str], pids: list[int]) -> None:
        self._folder = Path(tempfile.mkdtemp())
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(self._folder / "history.jsonl"), json.dumps([devices, pids])],
            env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.events: list[Any] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=60)
        shutil.rmtree(self._folder)

    def read(self, times: int = 1) -> dict[str, float]:
        """The fields of the last of `times` readings; those of them that are read seldom come with the first of five.

        Raises:
            OSError: with the meter's words, when it has none.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{times}\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        self.events = list(read_history(self._folder / "history.jsonl"))
        if isinstance(answer, str):
            raise OSError(answer)
        return answer

    def labels(self, name: str) -> list[dict[str, str]]:
        """The labels of every event `name` so far."""
        return [dict(event.labels) for event in self.events if event.name == name]


def main() -> None:
    """Read for each line of standard input, and write what came of it as a line of JSON."""
    devices, pids = json.loads(sys.argv[2])
    recorder = Recorder(Path(sys.argv[1]))
    meter = GpuMeter(devices, pids=lambda: pids, recorder=recorder)
    for line in sys.stdin:
        try:
            answers: list[Any] = [meter.read() for _ in range(int(line))]
        except OSError as e:
            answers = [str(e)]
        print(json.dumps(answers[-1]), flush=True)  # noqa: T201 - this is the answer
    meter.close()


if __name__ == "__main__":
    main()
