"""Examines what this machine can and cannot do for a drill, by trying where trying is cheap."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from leakdrill import __version__
from leakdrill.alerting.alertmanager import BINARIES as ALERTMANAGER
from leakdrill.alerting.prometheus import BINARIES as PROMETHEUS
from leakdrill.doctor.cluster import examine_clusters
from leakdrill.doctor.finding import Finding
from leakdrill.doctor.gpu import examine_gpus
from leakdrill.errors import EnvironmentProblem
from leakdrill.machine.sandbox import make_sandbox
from leakdrill.machine.undo import UNDO
from leakdrill.record.journal import JOURNAL_FILE, Journal
from leakdrill.record.ownership import NAME_PREFIX
from leakdrill.record.undo import undo_all
from leakdrill.scenario.target import Limits
from leakdrill.targets.compose.cli import compose_program
from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.machine.sandbox import Sandbox

_TRIAL: Final = Limits.model_validate({"memory": "64MiB", "cpus": 1.0, "disk": "8MiB"})
_ENOUGH_MEMORY_BYTES: Final = 1024**3
_PROMTOOL: Final = ("promtool",)
_REDIS: Final = ("redis-server",)


def examine() -> list[Finding]:
    """Returns a finding for everything that a drill on this machine may need, required things first."""
    return [
        _python(),
        _program("Prometheus", PROMETHEUS, "prometheus"),
        _program("Alertmanager", ALERTMANAGER, "prometheus-alertmanager"),
        _program("promtool", _PROMTOOL, "prometheus", required=False),
        _program("Redis (the pipeline's drills)", _REDIS, "redis-server", required=False),
        _locust(),
        _compose(),
        _memory(),
        *_limits(),
        _pss(),
        *examine_gpus(),
        *examine_clusters(),
    ]


def _python() -> Finding:
    return Finding(
        name="Leakdrill", ok=True, required=True, detail=f"{__version__} on Python {platform.python_version()}"
    )


def _program(name: str, binaries: Sequence[str], package: str, *, required: bool = True) -> Finding:
    path = next((path for binary in binaries if (path := shutil.which(binary))), None)
    return Finding(
        name=name,
        ok=path is not None,
        required=required,
        detail=path or "not on PATH",
        hint="" if path else f"apt-get install --no-install-recommends {package}",
    )


def _locust() -> Finding:
    installed = importlib.util.find_spec("locust") is not None
    return Finding(
        name="Locust",
        ok=installed,
        required=True,
        detail="importable" if installed else "not importable",
        hint="" if installed else "pip install locust",
    )


def _compose() -> Finding:
    try:
        program = " ".join(compose_program())
    except EnvironmentProblem as e:
        return Finding(name="compose (compose files as targets)", ok=False, detail=e.message, hint=e.hint)
    return Finding(name="compose (compose files as targets)", ok=True, detail=program)


def _memory() -> Finding:
    free = psutil.virtual_memory().available
    ok = free >= _ENOUGH_MEMORY_BYTES
    return Finding(
        name="free memory",
        ok=ok,
        detail=f"{show_size(free)}, {os.cpu_count()} cores",
        hint="" if ok else f"a drill of the catalogue wants about {show_size(_ENOUGH_MEMORY_BYTES)}",
    )


def _limits() -> list[Finding]:
    """Makes a small cgroup and a small filesystem, as a drill would, and removes them."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / JOURNAL_FILE)
        base = Path(tempfile.gettempdir()) / f"{NAME_PREFIX}doctor-{os.getpid()}"
        try:
            sandbox = make_sandbox(base, _TRIAL, journal, part="doctor")
        finally:
            leftovers = undo_all(journal, UNDO)
            journal.close()
    left = [Finding(name="undo", ok=False, detail=reason, hint="leakdrill clean") for reason in leftovers]
    return [*(_limit(sandbox, name) for name in ("memory", "cpus", "disk")), *left]


def _limit(sandbox: Sandbox, name: str) -> Finding:
    ok = name in sandbox.enforced
    reason = next((notice for notice in sandbox.notices if notice.startswith(name)), "")
    cgroup = f"cgroup v{sandbox.cgroup.version}" if sandbox.cgroup else ""
    mechanism = sandbox.disk.fstype if name == "disk" else cgroup
    return Finding(
        name=f"{name} limit",
        ok=ok,
        detail=f"enforced ({mechanism})" if ok else reason or "watched, not enforced",
        hint="" if ok else "run as root, or in a systemd scope of your own: systemd-run --user --scope leakdrill …",
    )


def _pss() -> Finding:
    ok = Path("/proc/self/smaps_rollup").exists()
    return Finding(
        name="PSS and USS",
        ok=ok,
        detail="/proc/PID/smaps_rollup" if ok else "no smaps_rollup",
        hint="" if ok else "needs Linux 4.14 or later; RSS is read all the same",
    )
