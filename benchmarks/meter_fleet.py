"""Real processes in control groups of their own, for a benchmark that reads many targets."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leakdrill.machine.cgroup import Cgroup, CgroupRefused, make_cgroup
from leakdrill.meters.cgroup import CgroupMeter
from leakdrill.meters.machine_figures import MachineFiguresMeter
from leakdrill.meters.of_processes import process_meters
from leakdrill.record.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from leakdrill.meters.meter import Meter

_SERVICES: Final = """
import os, sys, threading
count, mib = int(sys.argv[1]), int(sys.argv[2])
for _ in range(count):
    if (pid := os.fork()) == 0:
        held = [os.urandom(1 << 20) for _ in range(mib)]
        files = [open(os.devnull) for _ in range(7)]
        for _ in range(3):
            threading.Thread(target=threading.Event().wait, daemon=True).start()
        sys.stdin.read()
        os._exit(0)
    print(pid, flush=True)
sys.stdin.read()
for _ in range(count):
    os.wait()
"""
"""Each is a process with four threads and ten files; they end when their standard input does."""
_EMPTY_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One of them: its process, and its control group where this machine gives one."""

    pid: int
    cgroup: Cgroup | None

    def pids(self) -> list[int]:
        """Its processes, as a drill finds them."""
        return self.cgroup.pids() if self.cgroup else [self.pid]

    def meters(self) -> list[Meter]:
        """What a drill reads of a target, without its own metrics page, and without the machine."""
        groups: Callable[[], list[Cgroup]] | None = (lambda: [self.cgroup]) if self.cgroup else None  # type: ignore[list-item]
        meters = [m for m in process_meters(self.pids, groups) if not isinstance(m, MachineFiguresMeter)]
        return [*meters, *([CgroupMeter(self.cgroup)] if self.cgroup else [])]


@contextlib.contextmanager
def running(count: int, *, mib: int, folder: Path) -> Iterator[list[Service]]:
    """So many services, each holding `mib` MiB; all are gone afterwards."""
    journal = Journal(folder / f"fleet-{count}.jsonl")
    parent = subprocess.Popen(
        [sys.executable, "-c", _SERVICES, str(count), str(mib)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    services: list[Service] = []
    try:
        for number, line in zip(range(count), parent.stdout or (), strict=False):
            pid = int(line)
            services.append(Service(pid=pid, cgroup=_group(f"meter-fleet-{parent.pid}-{number}", pid, journal)))
        time.sleep(1.0 + count / 100)  # until each of them holds what it holds
        yield services
    finally:
        parent.communicate()
        for service in services:
            _remove(service.cgroup)
        journal.close()


def _group(name: str, pid: int, journal: Journal) -> Cgroup | None:
    try:
        cgroup = make_cgroup(name, journal, part="target")
    except CgroupRefused:
        return None
    for folder in cgroup.folders:
        (folder / "cgroup.procs").write_text(str(pid))
    return cgroup


def _remove(cgroup: Cgroup | None) -> None:
    """Remove a group whose members have ended; the kernel may count them for a moment."""
    deadline = time.monotonic() + _EMPTY_TIMEOUT_S
    for folder in cgroup.folders if cgroup else ():
        while Path(folder).exists():
            try:
                folder.rmdir()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
