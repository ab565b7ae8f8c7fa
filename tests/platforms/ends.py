"""Drills that are ended in each of their phases, all of them side by side: by an error, or by Ctrl-C."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from drills import drill, record, wait_for_phase
from leakdrill.record.events import LoadStart
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

FILE = Path(__file__).with_name("ends.yaml")
PHASES = ("warmup", "baseline", "load", "mitigate", "recover")


def ended_by_error(folder: Path, on: str) -> dict[str, int]:
    """The exit code of a drill whose load generator was killed, for each phase in which that happened."""
    return _ended(folder, on, PHASES, _kill_locust)


def ended_by_ctrl_c(folder: Path, on: str) -> dict[str, int]:
    """The exit code of a drill that got SIGINT, for each phase in which it did."""
    return _ended(folder, on, ("setup", *PHASES, "teardown"), lambda process, _: process.send_signal(signal.SIGINT))


def ended_in_setup(folder: Path, on: str) -> int:
    """The exit code of a drill whose service never becomes ready."""
    text = FILE.read_text().replace("../..", str(FILE.parents[2]))
    (folder / "setup.yaml").write_text(text.replace("  limits:", "  ready: {path: /nowhere, timeout: 4s}\n  limits:"))
    process = drill(str(folder / "setup.yaml"), folder / "setup", on)
    process.communicate(timeout=120)
    return process.returncode


def _ended(
    folder: Path, on: str, phases: tuple[str, ...], end: Callable[[subprocess.Popen[str], Path], None]
) -> dict[str, int]:
    running = {phase: drill(str(FILE), folder / phase, on) for phase in phases}
    try:
        for phase, process in running.items():
            wait_for_phase(folder / phase, phase, timeout_s=120)
            end(process, folder / phase)
        for process in running.values():
            process.communicate(timeout=120)
    finally:
        for process in running.values():
            process.kill()
            process.wait()
    return {phase: process.returncode for phase, process in running.items()}


def _kill_locust(process: subprocess.Popen[str], runs: Path) -> None:
    """Locust has begun before the first phase that is waited for."""
    wait_for(lambda: record(runs).acts(LoadStart), what="the load generator", timeout_s=30)
    (start,) = record(runs).acts(LoadStart)
    assert start.end is not None
    psutil.Process(int(start.end.pid)).kill()
    del process
