"""Examines what this machine can and cannot do for a drill, by trying where trying is cheap."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from leakdrill import __version__
from leakdrill.alerting.alertmanager import BINARIES as ALERTMANAGER
from leakdrill.alerting.prometheus import BINARIES as PROMETHEUS
from leakdrill.doctor.gpu import examine_gpus
from leakdrill.machine.finding import Finding
from leakdrill.targets.kinds import KINDS
from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        _memory(),
        _pss(),
        *examine_gpus(),
        *(finding for examine_kind in dict.fromkeys(row.examine for row in KINDS) for finding in examine_kind()),
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


def _memory() -> Finding:
    free = psutil.virtual_memory().available
    ok = free >= _ENOUGH_MEMORY_BYTES
    return Finding(
        name="free memory",
        ok=ok,
        detail=f"{show_size(free)}, {os.cpu_count()} cores",
        hint="" if ok else f"a drill of the catalogue wants about {show_size(_ENOUGH_MEMORY_BYTES)}",
    )


def _pss() -> Finding:
    ok = Path("/proc/self/smaps_rollup").exists()
    return Finding(
        name="PSS and USS",
        ok=ok,
        detail="/proc/PID/smaps_rollup" if ok else "no smaps_rollup",
        hint="" if ok else "needs Linux 4.14 or later; RSS is read all the same",
    )
